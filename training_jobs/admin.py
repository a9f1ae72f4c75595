"""Runs in Django's admin: for looking, not for changing."""

from django.contrib import admin

from core.admin import ReadOnly
from training_jobs.models import Run


@admin.register(Run)
class RunAdmin(ReadOnly):
    """Runs."""

    list_display = ["id", "org", "model_name", "release", "preset", "created_at"]
    list_filter = ["preset"]
    list_select_related = ["release"]
