"""Where runs keep their files, and how a purge clears them.

``tokens/`` holds text of the corpus as tokens::

    tokens/<key>/                                        a token folder of the engine, see trainer.tokens
    tokens/tokenizers/<release>/<version>/<entries>-<bytes>/   a tokenizer trained on a release; later runs use it again

``runs/<id>/`` is the work folder of one run: checkpoints while it trains, and for good its record, metrics and sample. It
holds no text of the corpus; but a model may write down what it has read, so a purge removes the samples of every model that
read a release which has been withdrawn.
"""

import contextlib
import json
import shutil
import time
from pathlib import Path
from typing import Any

from core import jobs, stores
from core.errors import Conflict
from core.permissions import SYSTEM
from core.states import JOB_ACTIVE
from datasets_app.models import Release
from datasets_app.pipeline import manifest
from datasets_app.pipeline.format import shard_path
from modelzoo.models import Revision
from training_jobs.models import Run
from training_jobs.trainer import tokens
from training_jobs.trainer.durable import write_json
from training_jobs.trainer.errors import BadTokenFile

TOKENIZERS = "tokenizers"
RECORD = "training.json"
DEAD = ("withdrawn", "rejected")  # releases whose bytes are taken back
STOP_WITHIN = 60.0  # seconds that a purge waits for a cancelled run to stop


def token_root() -> Path:
    """The folder of all token folders."""
    return stores.folder("tokens")


def tokenizer_folder(release: Release, entries: int, sample_bytes: int) -> Path:
    """Where the tokenizer lies that is trained on a release, by its wanted size and the bytes it learns from."""
    return token_root() / TOKENIZERS / release.name / release.version / f"{entries}-{sample_bytes}"


def run_folder(run: Run) -> Path:
    """The work folder of a run."""
    return stores.folder("runs") / str(run.pk)


def shards_of(release: Release) -> list[Path]:
    """The shards of a release, in the order of its manifest.

    Raises:
        ReleaseError: The manifest is missing or damaged.
    """
    root = stores.folder("releases")
    read = manifest.load(root, release.name, release.version)
    return [shard_path(root, shard["digest"]) for shard in read.shards]


def register_stores() -> None:
    """Tell the ground floor which folders are ours."""
    stores.register(stores.Store("token files", ("tokens",), purge=purge_tokens, scan=scan_tokens))
    stores.register(stores.Store("runs", ("runs",), purge=purge_runs))


def purge_tokens(blob_ids: set[str], progress: stores.Progress) -> stores.Cleared:
    """Remove documents from every token folder, and whatever was made of releases that have been withdrawn."""
    cleared = stores.Cleared("token files")
    root = token_root()
    stop_runs_on_withdrawn_releases(progress)
    tokens.sweep(root)
    live = _live_shard_sets()
    folders = tokens.folders(root)
    for done, folder in enumerate(folders):
        progress("erasing token files", done, len(folders))
        try:
            gone = tokens.erase(folder, blob_ids)
            needed = frozenset(tokens.TokenFile.open(folder).meta["source"]["shards"]) in live
        except BadTokenFile:  # nobody can say what it holds; what needs it makes it again
            gone, needed = 0, False
        cleared.items += gone
        cleared.files += bool(gone)
        if not needed:
            shutil.rmtree(folder)
            cleared.files += 1
    for release in Release.objects.filter(state__in=DEAD):
        folder = root / TOKENIZERS / release.name / release.version
        if folder.is_dir():
            shutil.rmtree(folder)
            cleared.files += 1
    progress("erasing token files", len(folders), len(folders))
    return cleared


def scan_tokens(markers: stores.Markers, progress: stores.Progress) -> list[str]:
    """The token folders that name a removed blob, or in whose text a marker stands; one that cannot be read counts too."""
    root = token_root()
    found = set()
    for folder in tokens.folders(root):
        try:
            if tokens.documents_holding(folder, markers.blob_ids):
                found.add(folder)
        except BadTokenFile:
            found.add(folder)
    if not found:
        found.update(tokens.scan(root, markers.within, progress))
    return sorted(map(str, found))


def purge_runs(blob_ids: set[str], progress: stores.Progress) -> stores.Cleared:
    """Remove what runs that read a withdrawn release keep: samples, and the checkpoints from which they may not go on."""
    cleared = stores.Cleared("runs")
    stop_runs_on_withdrawn_releases(progress)
    runs = list(Run.objects.select_related("release", "base__release"))
    for done, run in enumerate(runs):
        progress("clearing the folders of runs", done, len(runs))
        if read_withdrawn(run):
            cleared.items += forget_samples(run)
            cleared.files += remove_all_but_record(run_folder(run))
    progress("clearing the folders of runs", len(runs), len(runs))
    return cleared


def stop_runs_on_withdrawn_releases(progress: stores.Progress) -> None:
    """Cancel the runs that still train on a withdrawn release, and wait until they have stopped."""
    still = Run.objects.filter(release__state__in=DEAD, job__state__in=JOB_ACTIVE)
    for run in still.exclude(job__state="cancelling").select_related("job"):
        if run.job is not None:
            with contextlib.suppress(Conflict):  # it has ended meanwhile
                jobs.cancel(run.job, SYSTEM)
    end = time.monotonic() + STOP_WITHIN
    while (count := still.count()) and time.monotonic() < end:
        progress("stopping runs on withdrawn releases", 0, count)
        time.sleep(0.3)


def read_withdrawn(run: Run) -> bool:
    """Whether the run's release, or one that its base or the base's base read, has been withdrawn."""
    if run.release.state in DEAD:
        return True
    base: Revision | None = run.base
    while base is not None:
        if base.release is not None and base.release.state in DEAD:
            return True
        base = base.base
    return False


def samples(run: Run) -> list[dict[str, Any]]:
    """What the finished model wrote: ``{"step", "prompt", "text"}`` each; empty before the end and after a purge."""
    try:
        record: dict[str, Any] = json.loads((run_folder(run) / RECORD).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    found: list[dict[str, Any]] = record.get("samples", [])
    return found


def forget_samples(run: Run) -> int:
    """Take the samples out of a run's record; gives how many there were."""
    held = samples(run)
    if held:
        path = run_folder(run) / RECORD
        write_json(path, json.loads(path.read_text(encoding="utf-8")) | {"samples": []})
    return len(held)


def remove_all_but_record(folder: Path, *, keep: tuple[str, ...] = (RECORD, "metrics.jsonl")) -> int:
    """Empty a run's folder but for its record; gives how many entries went."""
    if not folder.is_dir():
        return 0
    removed = 0
    for path in folder.iterdir():
        if path.name in keep:
            continue
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        removed += 1
    return removed


def _live_shard_sets() -> set[frozenset[str]]:
    """The sets of shard digests of all releases that have not been withdrawn."""
    dead = set(Release.objects.filter(state__in=DEAD).values_list("name", "version"))
    return {
        frozenset(shard["digest"] for shard in found.shards)
        for found in manifest.load_all(stores.folder("releases"))
        if (found.name, found.version) not in dead and not found.withdrawn
    }
