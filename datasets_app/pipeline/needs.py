"""Which families of attributes a recipe asks for, and whether they are there."""

import functools
from pathlib import Path

from datasets_app.pipeline import benchmark_sets
from datasets_app.pipeline.attributes import TEXT
from datasets_app.pipeline.benchmark_sets import Benchmark
from datasets_app.pipeline.blobs import blob_files
from datasets_app.pipeline.contamination import Decontaminator
from datasets_app.pipeline.families import Family
from datasets_app.pipeline.notebook_facts import NOTEBOOKS
from datasets_app.pipeline.pii.family import family as pii_family
from datasets_app.pipeline.pii.model import TokenClassifier
from datasets_app.pipeline.publishing import Redaction
from datasets_app.pipeline.recipe import Recipe
from datasets_app.pipeline.release_errors import AttributesMissing
from datasets_app.pipeline.sketches import SKETCHES

HUMAN_EVAL = "humaneval"


def needed(corpus: Path, recipe: Recipe) -> list[Family]:
    """The families that have to be there before a release of this recipe can be decided and written.

    Raises:
        SourceError: A benchmark, or the model, that the recipe names cannot be read.
    """
    families = [TEXT]
    if recipe.near_duplicates != "off":
        families.append(SKETCHES)
    if recipe.notebooks != "drop":
        families.append(NOTEBOOKS)
    if recipe.benchmarks:
        families.append(_contamination(tuple(benchmark(corpus, name) for name in recipe.benchmarks)))
    if recipe.redact:
        families.append(_pii(str(model_folder(corpus, recipe.pii_model)) if recipe.pii_model else ""))
    return families


def named(families: list[Family], name: str) -> Family | None:
    """The family of this name, or ``None``."""
    return next((family for family in families if family.name == name), None)


def redaction(families: list[Family], recipe: Recipe) -> Redaction | None:
    """How personal data is to be replaced, or ``None`` where it is not."""
    family = named(families, "pii")
    return Redaction(family=family.folder, kinds=list(recipe.redact)) if family else None


def benchmark(corpus: Path, name: str) -> Benchmark:
    """A benchmark: the one that is shipped, or a file that staff added.

    Raises:
        SourceError: There is no such file, or it cannot be read.
    """
    return benchmark_sets.human_eval() if name == HUMAN_EVAL else benchmark_sets.load(benchmark_file(corpus, name))


def benchmark_file(corpus: Path, name: str) -> Path:
    """Where the file of a benchmark that staff added lies."""
    return corpus / "benchmarks" / f"{name}.jsonl"


def model_folder(corpus: Path, name: str) -> Path:
    """Where a model that finds personal data lies."""
    return corpus / "models" / name


@functools.lru_cache(maxsize=8)
def _contamination(benchmarks: tuple[Benchmark, ...]) -> Family:
    return Decontaminator(benchmarks).family()


@functools.lru_cache(maxsize=4)
def _pii(model: str) -> Family:
    return pii_family(TokenClassifier(Path(model)) if model else None)


def check(corpus: Path, families: list[Family]) -> None:
    """Check that every blob file has the attributes of these families.

    Raises:
        AttributesMissing: Names the families that are not complete.
    """
    blobs = {path.name for path in blob_files(corpus)}
    lacking = [one.name for one in families if blobs - {path.name for path in one.tables(corpus)}]
    if lacking:
        raise AttributesMissing(
            f"Blobs of the corpus at {corpus} have no attributes of the kind {', '.join(lacking)}. "
            "Compute the attributes first."
        )
