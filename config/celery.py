"""The Celery application: ``celery -A config worker``. Tasks live in each app's ``tasks.py``."""

import os
from pathlib import Path

from celery import Celery
from kombu import Queue
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

TRANSPORT_ALIASES["filesystem"] = "core.broker:Transport"  # messages appear whole
app = Celery("fairstack")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_queues = [Queue("default"), Queue("data"), Queue("shards"), Queue("gpu")]
app.autodiscover_tasks()

# The filesystem transport wants its folders to be there.
_options = app.conf.broker_transport_options or {}
for _name in ("data_folder_in", "control_folder"):
    if _name in _options:
        Path(_options[_name]).mkdir(parents=True, exist_ok=True)
