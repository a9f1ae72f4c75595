"""After a backup was put back: what the journal says has happened since is done again, before anything is served.

Blocks come back from keyed hashes alone. Then a purge like any other issues again or withdraws what holds blocked content, erases
from every store, reads the published bytes and scans. Only at its end does the data folder count as up to date; until then, and after
a kill, the site stays closed and this can be called again.
"""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from core import audit, journal
from core.errors import FairstackError
from core.jobs import execute_here
from core.keyed import keyed_hash
from core.models import Job
from core.permissions import SYSTEM
from core.states import JOB, JOB_ACTIVE
from datasets_app.models import BlockEntry, Owner, Release, Repository
from datasets_app.pipeline.atomic import write_bytes
from datasets_app.pipeline.corpus import files_table
from datasets_app.pipeline.decide import is_blocked
from datasets_app.pipeline.manifest import load
from datasets_app.pipeline.release_errors import ReleaseError
from datasets_app.purging import corpus_folder, releases_folder
from datasets_app.services import blocklist, reissues, retiring
from datasets_app.services.journalling import BLOCK, LIFT, PURGE, RESTORE

GONE = "Its bytes are not here: they were erased after the backup that was put back."


class ReplayFailed(FairstackError):
    """The purge could not be finished. The site stays closed."""


@dataclass
class Replayed:
    """What was done again: lines of the journal that the database lacked, entries of the block-list, blobs that were looked for."""

    lines: int = 0
    blocks: int = 0
    blobs: int = 0


def replay(tell: Callable[[str], Any] = str) -> Replayed | None:
    """Do again what the journal says and this site lacks; None where it lacks nothing.

    Raises:
        ReplayFailed: The purge failed. What it says has to be put right, then this is called again.
    """
    with _alone():
        journal.forget_answers()
        older = journal.behind()
        if not older:
            journal.flush()
            return None
        tell(f"{older} is older than the journal: doing again what happened since.")
        done = _rows()
        done.blobs = _list_blobs()
        _purge(tell)
        journal.flush()
        journal.reach()
        if older := journal.behind():
            raise ReplayFailed(f"{older} is still older than the journal.")
    return done


def _rows() -> Replayed:
    """What the database lacks, in one transaction."""
    found = journal.missing()
    done = Replayed(lines=len(found))
    with transaction.atomic():
        for line in found:
            if line.kind == BLOCK:
                done.blocks += _block(line.body)
            elif line.kind == LIFT:
                live = BlockEntry.objects.filter(reference=line.body["reference"], lifted_at=None)
                live.update(lifted_at=timezone.now())
        _link()
        # No process works on what the backup calls running.
        for job in Job.objects.filter(kind=retiring.PURGE, state__in=JOB_ACTIVE):
            JOB.move(job, "cancelled", finished_at=timezone.now()) or JOB.move(
                job, "failed", finished_at=timezone.now()
            )
        for release in Release.objects.filter(state__in=("published", "built")):
            if not _is_here(release):
                end = retiring.withdraw if release.state == "published" else retiring.reject
                end(release, SYSTEM, GONE)
        journal.take_over(found)
        audit.record_named(SYSTEM, "replay journal", "core.journalline", "", lines=done.lines, blocks=done.blocks)
    journal.forget_answers()
    return done


def _block(body: dict[str, Any]) -> int:
    live = BlockEntry.objects.filter(kind=body["kind"], reference=body["reference"], lifted_at=None)
    new = sorted(set(body["values"]) - set(live.values_list("keyed", flat=True)))
    BlockEntry.objects.bulk_create(
        [
            BlockEntry(
                kind=body["kind"],
                keyed=keyed,
                reference=body["reference"],
                covers_commits=body["commits"],
                covers_issues=body["issues"],
            )
            for keyed in new
        ],
        batch_size=blocklist.BATCH,
    )
    return len(new)


def _link() -> None:
    """Give entries that know an account or repository by its hash alone their rows, where one has that hash; make rows of what
    the corpus holds and the database does not know."""
    for kind, model, column in ((BlockEntry.OWNER, Owner, "owner"), (BlockEntry.REPOSITORY, Repository, "repository")):
        live = BlockEntry.objects.filter(kind=kind, lifted_at=None, **{f"{column}__isnull": True})
        wanted = set(live.values_list("keyed", flat=True))
        if not wanted:
            continue
        rows = _matching(model.objects.values_list("key", "pk").iterator(chunk_size=2000), wanted)
        for keyed in wanted - rows.keys():
            if (made := _made(kind, keyed)) is not None:
                rows[keyed] = made
        for keyed, key in rows.items():
            live.filter(keyed=keyed).update(**{f"{column}_id": key})


def _matching(keys: Iterator[tuple[str, int]], wanted: set[str]) -> dict[str, int]:
    found = {}
    for key, row in keys:
        if (keyed := keyed_hash(blocklist.PURPOSE, key)) in wanted:
            found[keyed] = row
    return found


def _made(kind: str, keyed: str) -> int | None:
    """The row of what the corpus holds under this hash, made now."""
    column = "owner_key" if kind == BlockEntry.OWNER else "repository_key"
    held = files_table(corpus_folder()).unique(column, keep="first")
    for row in held.select("owner_key", "repository_key", "forge", "owner", "repository").iter_rows(named=True):
        if keyed_hash(blocklist.PURPOSE, row[column]) != keyed:
            continue
        number = row["owner_key"].removeprefix(f"{row['forge']}:") if ":" in row["owner_key"] else ""
        owner, _ = Owner.objects.get_or_create(
            key=row["owner_key"],
            defaults={
                "forge": row["forge"],
                "account_id": number,
                "login": row["owner"],
                "login_folded": row["owner"].casefold(),
            },
        )
        if kind == BlockEntry.OWNER:
            return owner.pk
        name = row["repository"]
        made, _ = Repository.objects.get_or_create(
            key=row["repository_key"], defaults={"owner": owner, "name": name, "name_folded": name.casefold()}
        )
        return made.pk
    return None


def _list_blobs() -> int:
    """Leave the purge a list of blobs that the journal says are erased, and that no file of now may hold."""
    seen = journal.reached()
    gone: set[str] = set()
    for line in journal.lines():
        if line.kind == PURGE:
            gone = set() if str(line.key) in seen else gone | set(line.body["blobs"])
        elif line.kind == RESTORE:
            gone -= set(line.body["blobs"])
    files = files_table(corpus_folder())
    gone -= set(files.filter(~is_blocked(blocklist.blocks()).fill_null(False))["blob_id"])
    if gone:
        write_bytes(corpus_folder() / "purge-replay.txt", "\n".join(sorted(gone)).encode())
    return len(gone)


def _purge(tell: Callable[[str], Any]) -> None:
    job = reissues.honour_now(SYSTEM) or retiring.start_purge(SYSTEM, None)
    Job.objects.filter(pk=job.pk).update(params=job.params | {"replay": True})
    job.refresh_from_db()
    tell("Erasing again, and reading everything that is stored.")
    done = execute_here(job)
    if done.state != "succeeded":
        raise ReplayFailed(f"The purge failed: {done.error} Put that right, then run manage.py replay_purges again.")


def _is_here(release: Release) -> bool:
    try:
        return not load(releases_folder(), release.name, release.version).withdrawn
    except ReleaseError:
        return False


@contextmanager
def _alone() -> Iterator[None]:
    folder = Path(settings.FAIRSTACK_JOURNAL)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "replay.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
