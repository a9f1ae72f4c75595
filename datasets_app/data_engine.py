"""By which means the data jobs run their tasks: the setting ``FAIRSTACK_DATA_ENGINE``. The results are the same by each."""

from django.conf import settings

from datasets_app import shard_workers
from datasets_app.pipeline.executors import Executor, ThreadExecutor
from datasets_app.pipeline.ray_executor import RayExecutor

ENGINES = ("threads", "celery", "ray")


def executor() -> Executor:
    """The executor that the site is set to.

    Raises:
        ExecutorUnavailable: It is Ray, and Ray is not installed.
    """
    if settings.FAIRSTACK_DATA_ENGINE == "celery":
        return shard_workers.executor()
    if settings.FAIRSTACK_DATA_ENGINE == "ray":
        return RayExecutor(settings.FAIRSTACK_RAY_ADDRESS or None)
    return ThreadExecutor()
