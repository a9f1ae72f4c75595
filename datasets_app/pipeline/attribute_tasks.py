"""Attributes by an executor: one task a blob file, on whatever machine sees the corpus."""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, TypedDict

from datasets_app.pipeline import attributes, needs
from datasets_app.pipeline.attributes import AttributesReport
from datasets_app.pipeline.blobs import blob_files
from datasets_app.pipeline.executors import Executor
from datasets_app.pipeline.progress import Progress, silent
from datasets_app.pipeline.recipe import Recipe


class FileReport(TypedDict):
    """What one task did."""

    blobs: int
    bytes: int
    cpu_seconds: float


def compute_file(uri: str, spec: Mapping[str, Any]) -> FileReport:
    """Compute what a recipe needs to know of the blobs of one file.

    Args:
        uri: The folder of the corpus.
        spec: ``blob_file``, the name of the file without its suffix, and ``recipe``, as ``Recipe.to_dict`` gives it.

    Raises:
        CorpusDamaged: The file cannot be read, or a blob is not what its id says.
        StorageError: The disk is full.
    """
    corpus = Path(uri)
    families = needs.needed(corpus, Recipe.from_dict(spec["recipe"], any_rules=True))
    report = attributes.compute(corpus, families, workers=1, only=spec["blob_file"])
    return FileReport(blobs=report.blobs_computed, bytes=report.bytes, cpu_seconds=report.cpu_seconds)


def compute(corpus: Path, recipe: Recipe, executor: Executor, progress: Progress = silent) -> AttributesReport:
    """Compute what a recipe needs to know of every blob of the corpus, by an executor.

    Args:
        corpus: The folder of the corpus.
        recipe: What it asks for is computed where it is missing.
        executor: Runs a task for each blob file that lacks anything.
        progress: Told how many of these files are done; whatever it raises stops the work, and what is finished stays.

    Raises:
        CorpusDamaged, StorageError: As :func:`compute_file`.
        SourceError: A benchmark, or the model, that the recipe names cannot be read.
    """
    families = needs.needed(corpus, recipe)
    files = blob_files(corpus)
    todo = [path for path in files if not all(one.path(corpus, path.stem).exists() for one in families)]
    specs = [{"blob_file": path.stem, "recipe": recipe.to_dict()} for path in todo]
    done: list[FileReport] = []

    def tell() -> None:
        progress("computing attributes", len(done), len(todo))

    tell()
    if specs:
        with closing(executor.run("compute_file", (str(corpus),), specs, tell)) as results:
            for _, report in results:
                done.append(report)
                tell()
    return AttributesReport(
        files=len(done),
        blobs_computed=sum(report["blobs"] for report in done),
        blobs_cached=sum(attributes.rows_of(path) for path in set(files) - set(todo)),
        bytes=sum(report["bytes"] for report in done),
        cpu_seconds=sum(report["cpu_seconds"] for report in done),
    )
