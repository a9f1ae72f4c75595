"""What must not reach a log."""

import logging


class WithoutPaths(logging.Filter):
    """Takes the address out of Django's own warnings about refused and missing pages: it is their last argument."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite records of ``django.request`` and ``django.security.*``; let everything through."""
        if record.name.startswith(("django.request", "django.security")) and isinstance(record.args, tuple):
            record.args = (*record.args[:-1], "(address withheld)") if record.args else record.args
        return True
