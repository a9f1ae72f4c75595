"""Fairstack's whole pipeline on two workers: attributes of every family that the recipe asks for, decisions, redaction, shards, index.

The texts are ingested before the clock starts, as the peer's lie in Parquet. Run by ``pipeline.py`` as the peers are.
"""

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import measured
import pyarrow.parquet as pq

from benchmarks.folder_source import record
from benchmarks.optout import WARM
from datasets_app.pipeline import attributes, needs
from datasets_app.pipeline.build import BuildSpec, build
from datasets_app.pipeline.corpus import ingest
from datasets_app.pipeline.progress import Progress
from datasets_app.pipeline.recipe import preset
from datasets_app.pipeline.sources.base import RepositoryRecord, SourceFile

WORKERS = 2


class TextsSource:
    """A Parquet file of texts as a source: each release a repository of an owner of its own."""

    name = "texts"
    notes: list[str] = []
    expected_files = 0

    def __init__(self, path: Path) -> None:
        self._rows = pq.read_table(path).to_pylist()

    def repositories(self, progress: Progress) -> Iterator[tuple[RepositoryRecord, Iterable[SourceFile]]]:
        """See ``datasets_app.pipeline.sources.base.Source``."""
        by_release: dict[str, list[SourceFile]] = {}
        for row in self._rows:
            file = SourceFile(row["path"], partial(_content, row["content"]))
            by_release.setdefault(row["release"], []).append(file)
        for release, files in by_release.items():
            yield record(release, release), files


def _content(text: str, _limit: int) -> bytes:
    return text.encode()


if __name__ == "__main__":
    recipe = preset("starcoder")
    with tempfile.TemporaryDirectory() as folder:
        corpus, releases = Path(folder) / "corpus", Path(folder) / "releases"
        ingest(TextsSource(measured.texts_argument()), corpus)
        families = needs.needed(corpus, recipe)
        for family in families:
            family.compute(WARM)

        def everything() -> None:
            """From blobs without attributes to a release."""
            shutil.rmtree(corpus / "attributes", ignore_errors=True)
            shutil.rmtree(releases, ignore_errors=True)
            attributes.compute(corpus, families, workers=WORKERS)
            build(corpus, releases, BuildSpec("bench", "1.0", recipe), workers=WORKERS)

        measured.serve(everything)
