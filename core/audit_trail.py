"""Reading the audit trail: by action, object, actor and date, newest first, a page by key. For auditors and administrators.

People of the staff stand here with their names, since the trail is about their acts. Everybody else is "an account": whose request it
was is not what the trail is for. Nobody's address, forge account or words stand in it.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cached_property
from typing import Any

from django.apps import apps
from django.db.models import Q, QuerySet

from core import roles
from core.errors import InvalidInput
from core.models import AuditEntry, User
from core.permissions import Actor, require

VIEW = "core.view_auditentry"
A_PAGE = 50
MOST_EXPORTED = 100_000  # rows
NEWEST = 20_000  # entries whose actions are offered to choose from
SYSTEM = "system"
COLUMNS = ("id", "at", "actor", "action", "object", "facts")


@dataclass(frozen=True)
class Filter:
    """What the trail is narrowed to; empty values do not narrow.

    Attributes:
        action: As it was written, such as ``approve release``.
        object: ``app.model`` or ``app.model:key``.
        actor: A name of the staff, or ``system``.
        since: First day (UTC).
        until: Last day (UTC), included.
    """

    action: str = ""
    object: str = ""
    actor: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True)
class Line:
    """One entry as people read it."""

    entry: AuditEntry
    actor: str

    @property
    def object(self) -> str:
        """``app.model:key``, by which the trail of this one object is found."""
        return f"{self.entry.object_type}:{self.entry.object_id}"

    @property
    def kind(self) -> str:
        """What the object is, in words."""
        try:
            return str(apps.get_model(self.entry.object_type)._meta.verbose_name)
        except (LookupError, ValueError):
            return self.entry.object_type.partition(".")[2]

    @property
    def facts(self) -> str:
        """The facts on one line."""
        return ", ".join(f"{name}: {_plain(value)}" for name, value in sorted(self.entry.facts.items()))


@dataclass(frozen=True)
class Page:
    """Entries newest first, and the keys to ask for what is older or newer: 0 where there is none."""

    lines: list[Line]
    older: int
    newer: int


class Names:
    """The names of those whose acts are the staff's: who has a role, had one, or is a superuser."""

    @cached_property
    def of(self) -> dict[int, str]:
        """Account → name."""
        given = AuditEntry.objects.filter(action="give role", object_type="core.user").values_list(
            "object_id", flat=True
        )
        ever = {int(key) for key in given if key.isdecimal()}
        rows = User.objects.filter(Q(pk__in=ever) | Q(pk__in=roles.holders().values("pk")) | Q(is_staff=True))
        return dict(rows.values_list("pk", "username"))

    def actor(self, entry: AuditEntry) -> str:
        """Who did it."""
        if entry.actor_id is None:
            return "the system"
        return self.of.get(entry.actor_id, "an account")


def page(actor: Actor, wanted: Filter, *, before: int = 0, after: int = 0, limit: int = A_PAGE) -> Page:
    """Entries with ids below ``before``, or the next ones above ``after``; the newest where both are 0.

    Raises:
        PermissionDenied: The actor may not read the trail.
        InvalidInput: The filter names nobody of the staff, or no object.
    """
    require(actor, VIEW)
    names = Names()
    rows = _rows(wanted, names)
    if after:
        found = list(rows.filter(pk__gt=after).order_by("pk")[: limit + 1])
        more = len(found) > limit
        found = found[:limit][::-1]
        older, newer = (found[-1].pk if found else 0), (found[0].pk if more else 0)
    else:
        found = list((rows.filter(pk__lt=before) if before else rows)[: limit + 1])
        more = len(found) > limit
        found = found[:limit]
        older, newer = (found[-1].pk if more else 0), (found[0].pk if before and found else 0)
    return Page([Line(entry, names.actor(entry)) for entry in found], older, newer)


def of_object(kind: str, key: object, limit: int = A_PAGE) -> list[Line]:
    """The newest entries about one object: for the pages of the desk, which have asked whether their reader may see it."""
    names = Names()
    rows = AuditEntry.objects.filter(object_type=kind, object_id=str(key)).order_by("-pk")[:limit]
    return [Line(entry, names.actor(entry)) for entry in rows]


def exported(actor: Actor, wanted: Filter) -> Iterator[str]:
    """The same as CSV, line by line; the newest ``MOST_EXPORTED`` at most.

    A value that a spreadsheet would take for a formula is preceded by an apostrophe.
    """
    require(actor, VIEW)
    names = Names()
    rows = _rows(wanted, names)
    return _csv(rows, names)


def actions() -> list[str]:
    """The actions among the newest entries."""
    newest = AuditEntry.objects.order_by("-pk")[:NEWEST].values("action")
    return sorted(
        AuditEntry.objects.filter(pk__in=newest.values("pk")).order_by().values_list("action", flat=True).distinct()
    )


def _rows(wanted: Filter, names: Names) -> QuerySet[Any]:
    rows = AuditEntry.objects.order_by("-pk")
    if wanted.action:
        rows = rows.filter(action=wanted.action)
    if wanted.object:
        kind, _, key = wanted.object.partition(":")
        if "." not in kind:
            raise InvalidInput("An object is written like portal.optoutrequest:17, or its kind alone.", "object")
        rows = rows.filter(object_type=kind.lower(), **({"object_id": key} if key else {}))
    if wanted.actor == SYSTEM:
        rows = rows.filter(actor=None)
    elif wanted.actor:
        found = [pk for pk, name in names.of.items() if name == wanted.actor]
        if not found:
            raise InvalidInput(f"Nobody of the staff is called “{wanted.actor[:150]}”.", "actor")
        rows = rows.filter(actor__in=found)
    if wanted.since:
        rows = rows.filter(at__gte=datetime.combine(wanted.since, time(), UTC))
    if wanted.until:
        rows = rows.filter(at__lte=datetime.combine(wanted.until, time.max, UTC))
    return rows


def _csv(rows: QuerySet[Any], names: Names) -> Iterator[str]:
    yield _row(COLUMNS)
    for entry in rows[:MOST_EXPORTED].iterator(chunk_size=1000):
        line = Line(entry, names.actor(entry))
        yield _row((str(entry.pk), entry.at.isoformat(), line.actor, entry.action, line.object, line.facts))


def _row(values: tuple[str, ...]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(
        ["'" + value if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value for value in values]
    )
    return text.getvalue()


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(str(one) for one in value[:20]) + (" …" if len(value) > 20 else "")
    return str(value)
