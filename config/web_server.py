"""gunicorn's own settings, read from this file (``gunicorn --config``) before the application is loaded."""

from typing import Any

from core.orphans import die_with_parent

control_socket_disable = True  # nobody steers this server from outside; two sites of one account would share the socket


def post_fork(server: Any, worker: Any) -> None:
    """A worker ends with its master from its first moment on; gunicorn alone looks for it only once the application is loaded."""
    die_with_parent(worker.ppid)
