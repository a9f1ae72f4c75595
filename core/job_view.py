"""How a job's stages and result are told on its page: figures, times and a guess at what remains."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from core.badges import words_of
from core.models import Job


@dataclass(frozen=True)
class StageView:
    """One stage as it is shown. ``interrupted``: the worker died in it and the job waits for another. ``remaining`` is None where
    nothing sensible can be said."""

    title: str
    done: float
    total: float
    running: bool
    broken: bool
    interrupted: bool
    took: timedelta
    remaining: timedelta | None

    @property
    def tone(self) -> str:
        """The tone of its bar."""
        if self.broken:
            return "danger"
        return "" if self.running or self.interrupted else "success"


def stages_of(job: Job, now: datetime | None = None) -> list[StageView]:
    """The stages of ``job`` in the order in which they began. Where it failed or was cancelled, the last one is the broken one."""
    now = now or timezone.now()
    views = []
    for index, stage in enumerate(job.stages):
        last = index == len(job.stages) - 1
        open_ended = last and not stage.get("finished")
        running = open_ended and job.state in {"running", "cancelling"}
        started = datetime.fromisoformat(stage["started"])
        took = (
            datetime.fromisoformat(stage["finished"]) if stage.get("finished") else job.finished_at or now
        ) - started
        done, total = stage.get("done") or 0, stage.get("total") or 0
        remaining = None
        if running and total and done / total >= 0.03 and took.total_seconds() > 2:
            remaining = took * ((total - done) / done)
        views.append(
            StageView(
                title=words_of(str(stage["stage"])),
                done=done,
                total=total,
                running=running,
                interrupted=open_ended and job.state == "queued",
                broken=last and job.state in {"failed", "cancelled"},
                took=took,
                remaining=remaining,
            )
        )
    return views


def result_facts(job: Job) -> list[tuple[str, Any]]:
    """The plain facts of a result: what is text, a number or a truth; ``url`` has a button of its own."""
    return [
        (words_of(key), value)
        for key, value in job.result.items()
        if key != "url" and isinstance(value, str | int | float | bool) and not key.startswith("_")
    ]


@dataclass(frozen=True)
class ResultTable:
    """A list of a result: all its rows have the same keys, and plain values."""

    title: str
    headings: list[str]
    rows: list[list[Any]]


def result_tables(job: Job) -> list[ResultTable]:
    """The lists of a result, such as what a purge did in each store."""
    found = []
    for key, value in job.result.items():
        if key.startswith("_") or not isinstance(value, list) or not value:
            continue
        if all(isinstance(row, dict) and row.keys() == value[0].keys() for row in value):
            headings = [words_of(name) for name in value[0]]
            found.append(ResultTable(words_of(key), headings, [list(row.values()) for row in value]))
    return found


def result_url(job: Job) -> str:
    """Where the result is shown: the result's ``url`` if it is a path of this site."""
    url = job.result.get("url", "")
    return url if isinstance(url, str) and url.startswith("/") and not url.startswith("//") else ""
