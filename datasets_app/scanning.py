"""The scan after a purge: text that stood in removed blobs alone is looked for in everything that is stored."""

import json
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import polars as pl
from django.apps import apps
from django.db import models
from django.db.migrations.recorder import MigrationRecorder

from core import stores
from core.stores import Scanned
from datasets_app.models import Release
from datasets_app.pending import PendingPurge
from datasets_app.pipeline import markers
from datasets_app.pipeline.corpus import files_table
from datasets_app.pipeline.decide import Blocks, is_blocked
from datasets_app.pipeline.format import shard_path
from datasets_app.pipeline.manifest import Manifest, load
from datasets_app.pipeline.markers import Markers
from datasets_app.pipeline.needles import Needles
from datasets_app.pipeline.progress import Progress
from datasets_app.pipeline.release_errors import NoSuchRelease
from datasets_app.pipeline.scan import survey
from datasets_app.purging import GONE, PurgeIncomplete, blobs_to_remove, corpus_folder, releases_folder
from datasets_app.services import blocklist
from datasets_app.tracing.white_space import collapsed

KEYS = ["blob_id", "owner_key", "repository_key"]
_NAMED = 5  # places that an error names
_ROWS = 10_000  # read at once


@dataclass(frozen=True)
class LookedFor:
    """What the scan looks for (``core.stores.Markers``)."""

    blob_ids: AbstractSet[str]
    needles: Needles

    def within(self, data: bytes) -> bool:
        """Whether a window of a removed blob stands in ``data``."""
        return self.needles.within(data)

    def in_file(self, path: Path) -> bool:
        """Whether one stands in a file, as it lies on the disk or as it reads."""
        return bool(survey(path, self.needles).hits)


def begin(pending: PendingPurge, progress: Progress) -> Markers:
    """Find out what has to go, and choose what to look for, while the texts are still there.

    Texts that the corpus has lost since stand in the shards of releases that ended: they count too.

    Raises:
        CorpusDamaged: A blob file cannot be read.
    """
    going, staying = _manifests(GONE), _manifests(("published", "built"))

    def choose(removed: set[str], known: set[bytes]) -> Markers:
        return markers.choose(
            corpus_folder(),
            releases_folder(),
            removed,
            going=going,
            staying=staying,
            known=known,
            names=kept_names(),
            forms=(collapsed,),
            progress=progress,
        )

    return pending.begin(blobs_to_remove() | _ended_blobs(going, staying), choose)


def scan(pending: PendingPurge, progress: Progress) -> list[Scanned]:
    """Look in everything that is stored, store by store. The database counts where it lies in the data folder.

    Raises:
        PurgeIncomplete: Something was found. It names the stores and paths, and no text.
    """
    needles = Needles(pending.windows)

    def look(path: Path, wanted: stores.Markers, tell: stores.Progress) -> Scanned:
        seen = survey(path, needles, tell, without=pending.paths)
        return Scanned("", seen.files, seen.bytes, [str(hit) for hit in seen.hits])

    found = stores.scan_everywhere(LookedFor(pending.blobs, needles), look, progress)
    places = [f"{one.store}: {hit}" for one in found for hit in one.hits]
    if places:
        more = f" and {len(places) - _NAMED} more" if len(places) > _NAMED else ""
        raise PurgeIncomplete(
            f"Text that should be gone stands in {'; '.join(places[:_NAMED])}{more}. Find out what wrote it there, delete it, "
            "then honour the block-list again."
        )
    return found


def kept_names() -> Iterator[bytes]:
    """What the site's rows hold of names and addresses, in pieces: short columns and facts, never a column of free text.

    They stay when the content goes: a repository's address, the name of a migration, a path in a list of copies.
    """
    every: list[type[models.Model]] = [*apps.get_models(), MigrationRecorder.Migration]
    for model in every:
        columns = [
            field.attname
            for field in model._meta.concrete_fields
            if isinstance(field, models.CharField | models.JSONField)
        ]
        if columns and model._meta.managed and not model._meta.proxy:
            rows = model._default_manager.order_by().values_list(*columns).iterator(chunk_size=_ROWS)
            while some := list(islice(rows, _ROWS)):
                yield "\n".join(map(_as_text, chain.from_iterable(some))).encode()


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _manifests(states: Sequence[str]) -> list[Manifest]:
    """The manifests of the releases in these states whose shards are still there."""
    found = []
    for release in Release.objects.filter(state__in=states).only("name", "version").order_by("pk"):
        try:
            found.append(load(releases_folder(), release.name, release.version))
        except NoSuchRelease:
            continue  # it never got as far as a manifest
    return [one for one in found if one.shards]


def _ended_blobs(going: Sequence[Manifest], staying: Sequence[Manifest]) -> set[str]:
    """Blobs of what is blocked in releases that ended, which stay neither in the corpus nor in another release."""
    owners, repositories = blocklist.blocked_keys()
    blocked = is_blocked(Blocks(frozenset(owners), frozenset(repositories)))
    ended = _rows(going).filter(blocked).select("blob_id").unique().collect()
    if ended.is_empty():
        return set()
    for stays in (files_table(corpus_folder()).lazy().select(KEYS), _rows(staying)):
        ended = ended.join(stays.filter(~blocked).select("blob_id").unique().collect(), on="blob_id", how="anti")
    return set(ended["blob_id"])


def _rows(manifests: Sequence[Manifest]) -> pl.LazyFrame:
    digests = sorted({shard["digest"] for one in manifests for shard in one.shards})
    if not digests:
        return pl.LazyFrame(schema=dict.fromkeys(KEYS, pl.String))
    return pl.scan_parquet([shard_path(releases_folder(), digest) for digest in digests]).select(KEYS)
