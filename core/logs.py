"""What must not reach a log."""

import logging


class WithoutPaths(logging.Filter):
    """Takes the address out of Django's own warnings about refused and missing pages."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite records of ``django.request`` and ``django.security.*``; let everything through."""
        if record.name.startswith(("django.request", "django.security")) and record.args:
            record.msg, record.args = record.msg.split(":")[0].replace("%s", "").strip(), ()
        return True
