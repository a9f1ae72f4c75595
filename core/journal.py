"""The journal: blocks and purges in a file outside the data folder and its backups, so that no backup brings back what was erased.

Each act is a row (``core.models.JournalLine``), written in its own transaction; after the commit the row is copied to the end of the
file and flushed to the disk. Who is killed between the two leaves a row that the next copy takes along. A backup that is restored
lacks the newest lines (in the database) or the mark of the newest purge (in the data folder): then the site is *behind*, and serves
nothing until ``manage.py replay_purges`` has done again what the lines say.
"""

import fcntl
import json
import logging
import os
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from core import stores
from core.models import JournalLine

log = logging.getLogger(__name__)
NAME = "journal.jsonl"
POSITION = "position"  # the folder in the data folder with the mark
ASK_EVERY = 5.0  # seconds between two questions to the database whether it has the last line
_LINE = re.compile(rb'\{"key": "([0-9a-f-]{36})", "kind": "([a-z-]+)"')


@dataclass(frozen=True)
class Line:
    """One line of the file."""

    key: uuid.UUID
    kind: str
    at: str
    body: dict[str, Any]


class JournalBehind(Exception):
    """The file has lines that this database has not: nothing may be written after them before they were done again."""


def write(kind: str, body: dict[str, Any]) -> JournalLine:
    """Write a line, in the caller's transaction; it is in the file once that is committed."""
    line = JournalLine.objects.create(kind=kind, body=body)
    transaction.on_commit(_flush_quietly)
    return line


def _flush_quietly() -> None:
    """The act is done, and its line is kept: a file that cannot be written now is written by the beat."""
    try:
        flush()
    except (OSError, JournalBehind):
        log.exception("The journal could not be written. It is tried again every minute.")


def flush() -> int:
    """Copy the rows that are not in the file yet to its end. Gives how many were.

    Raises:
        JournalBehind: The database lacks lines of the file.
        OSError: The file cannot be written.
    """
    if not JournalLine.objects.filter(written=False).exists() and path().exists():
        return 0
    with _alone():
        if behind_of_database():
            raise JournalBehind("The database is older than the journal: run manage.py replay_purges.")
        rows = JournalLine.objects.order_by("number")
        if path().exists():
            rows = rows.filter(written=False)
        lines = [(row.pk, _text(row)) for row in rows]
        if lines:
            _append(b"".join(text for _, text in lines))
            JournalLine.objects.filter(pk__in=[key for key, _ in lines]).update(written=True)
    return len(lines)


def path() -> Path:
    """Where the file lies."""
    return Path(settings.FAIRSTACK_JOURNAL) / NAME


def lines() -> Iterator[Line]:
    """The lines of the file, oldest first. A line that was cut short by a power cut is passed over: it stands again after it."""
    try:
        with path().open("rb") as file:
            for text in file:
                try:
                    said = json.loads(text)
                    yield Line(uuid.UUID(said["key"]), said["kind"], said["at"], said["body"])
                except (ValueError, KeyError, TypeError):
                    log.warning("A line of the journal cannot be read; it is passed over.")
    except FileNotFoundError:
        return


def missing() -> list[Line]:
    """The lines of the file that the database lacks, each once.

    A line stands twice where its writer was killed, or the disk was full, before the row was marked as written.
    """
    known = set(JournalLine.objects.values_list("key", flat=True))
    found = {line.key: line for line in lines() if line.key not in known}
    return list(found.values())


def take_over(found: list[Line]) -> None:
    """Enter lines of the file into the database, in the caller's transaction: what they say was done again."""
    JournalLine.objects.bulk_create(
        [
            JournalLine(key=line.key, kind=line.kind, at=datetime.fromisoformat(line.at), body=line.body, written=True)
            for line in found
        ]
    )


def reach(line: uuid.UUID | None = None) -> None:
    """Mark in the data folder that it has seen every purge up to this line, or up to the file's last one.

    The mark of a purge is set before its line is in the file: so it also tells which line came before.
    """
    before = _newest().purge
    mark = stores.folder(POSITION) / "purged.json"
    new = mark.with_suffix(".new")
    new.write_text(json.dumps({"reached": str(line) if line else before, "before": before}))
    _flush_to_disk(new)
    new.replace(mark)


def forget_answers() -> None:
    """Ask the database anew: another may stand in its place."""
    _sure.clear()


def behind() -> str:
    """What is older than the journal: ``"the database"``, ``"the data folder"``, or an empty string. Cheap enough for each request."""
    return behind_of_database() or behind_of_data()


def behind_of_database() -> str:
    """``"the database"`` where it lacks the file's last line."""
    newest = _newest()
    if not newest.last:
        return ""
    asked = (str(path()), newest.last)
    if _sure.get("asked") == asked and time.monotonic() - _sure["at"] < ASK_EVERY:
        return ""
    if JournalLine.objects.filter(key=newest.last).exists():
        _sure.update(asked=asked, at=time.monotonic())
        return ""
    return "the database"


def behind_of_data() -> str:
    """``"the data folder"`` where it has not seen the file's last purge."""
    newest = _newest()
    if not newest.purge:
        return ""
    return "" if newest.purge in reached() else "the data folder"


def reached() -> set[str]:
    """The keys of the last purge that the data folder has seen, and of the one before."""
    try:
        said = json.loads((stores.data_root() / POSITION / "purged.json").read_text())
        return {key for key in (said["reached"], said["before"]) if key}
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return set()


@dataclass(frozen=True)
class _Newest:
    """What the file ends with: the keys of its last line and of its last purge."""

    size: int = 0
    last: str = ""
    purge: str = ""


_seen: dict[str, _Newest] = {}
_sure: dict[str, Any] = {}


def _newest() -> _Newest:
    """Reads what came to the file since it was looked at."""
    name = path()
    try:
        size = name.stat().st_size
    except FileNotFoundError:
        return _Newest()
    known = _seen.get(str(name), _Newest())
    if size == known.size:
        return known
    if size < known.size:
        known = _Newest()
    at, last, purge = known.size, known.last, known.purge
    with name.open("rb") as file:
        file.seek(at)
        for text in file:
            if not text.endswith(b"\n"):
                break
            at += len(text)
            if (match := _LINE.match(text)) and text.endswith(b"}\n"):
                last = match[1].decode()
                purge = last if match[2] == b"purge" else purge
    _seen[str(name)] = found = _Newest(at, last, purge)
    return found


def _text(row: JournalLine) -> bytes:
    said = {"key": str(row.key), "kind": row.kind, "at": row.at.isoformat(), "body": row.body}
    return json.dumps(said).encode() + b"\n"


def _append(data: bytes) -> None:
    descriptor = os.open(path(), os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            data = b"\n" + data  # after a line that was cut short
        while data:
            data = data[os.write(descriptor, data) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    _flush_to_disk(path().parent)


@contextmanager
def _alone() -> Iterator[None]:
    """One writer at a time, over all processes of this machine."""
    folder = path().parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _flush_to_disk(name: Path) -> None:
    descriptor = os.open(name, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
