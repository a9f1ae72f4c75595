"""The processes that make up a running site, by name. ``manage.py up`` and ``docker-compose.yml`` start these and no others."""

import sys

WEB_THREADS = 8


def web(bind: str, workers: int = 2) -> list[str]:
    """The web server: gunicorn with threads, so that a slow download holds one thread and not a process."""
    return [
        *("gunicorn", "config.wsgi:application", "--config", "config/web_server.py", "--bind", bind),
        *("--worker-class", "gthread", "--workers", str(workers), "--threads", str(WEB_THREADS)),
        *("--timeout", "60", "--graceful-timeout", "5", "--max-requests", "5000", "--max-requests-jitter", "500"),
    ]


def data_worker(slots: int = 2) -> list[str]:
    """Ingest, builds, purges, checks and the sweep."""
    return _worker("data", "default,data", slots)


def shard_worker(slots: int = 2) -> list[str]:
    """Parts of data jobs, where ``FAIRSTACK_DATA_ENGINE`` is celery: on as many machines as there are."""
    return _worker("shards", "shards", slots)


def gpu_worker() -> list[str]:
    """Training: one slot a device."""
    return _worker("gpu", "gpu", 1)


def beat(schedule: str) -> list[str]:
    """The clock that starts sweeps. ``schedule`` is where it notes what it did last."""
    return ["celery", "-A", "config", "beat", "--loglevel", "WARNING", "--schedule", schedule]


def _worker(name: str, queues: str, slots: int) -> list[str]:
    return [
        *("celery", "-A", "config", "worker", "--loglevel", "WARNING", "--hostname", f"{name}@%h"),
        *("--queues", queues, "--concurrency", str(slots), "--without-gossip", "--without-mingle"),
    ]


def here(command: list[str]) -> list[str]:
    """The same command by the running interpreter, whether or not its environment is on PATH."""
    return [sys.executable, "-m", *command]
