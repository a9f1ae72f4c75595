"""Rows that are written once. The database refuses changes too (migration 0002); this refuses them earlier."""

from typing import Any

from django.db import models
from django.utils import timezone

now = timezone.now


class AppendOnlyQuerySet(models.QuerySet[Any]):
    """A query set through which nothing can be changed or deleted."""

    def update(self, **kwargs: Any) -> int:
        raise TypeError(f"{self.model.__name__} is append-only: it cannot be updated.")

    def delete(self) -> tuple[int, dict[str, int]]:
        raise TypeError(f"{self.model.__name__} is append-only: it cannot be deleted.")


class AppendOnly(models.Model):
    """A base for rows that are never changed."""

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError(f"{type(self).__name__} is append-only: it cannot be saved again.")
        super().save(*args, **kwargs | {"force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise TypeError(f"{type(self).__name__} is append-only: it cannot be deleted.")
