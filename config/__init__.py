"""Wiring: settings, addresses, Celery, the API. Imported by nothing else in the house."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
