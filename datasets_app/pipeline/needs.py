"""Which families of attributes a recipe asks for, and whether they are there."""

from pathlib import Path

from datasets_app.pipeline.attributes import TEXT
from datasets_app.pipeline.blobs import blob_files
from datasets_app.pipeline.families import Family
from datasets_app.pipeline.recipe import Recipe
from datasets_app.pipeline.release_errors import AttributesMissing
from datasets_app.pipeline.sketches import SKETCHES


def needed(recipe: Recipe) -> list[Family]:
    """The families that have to be there before a release of this recipe can be decided."""
    families = [TEXT]
    if recipe.near_duplicates != "off":
        families.append(SKETCHES)
    return families


def check(corpus: Path, families: list[Family]) -> None:
    """Check that every blob file has the attributes of these families.

    Raises:
        AttributesMissing: Names the families that are not complete.
    """
    blobs = blob_files(corpus)
    lacking = [one.name for one in families if not all(one.path(corpus, path.stem).exists() for path in blobs)]
    if lacking:
        raise AttributesMissing(
            f"Blobs of the corpus at {corpus} have no attributes of the kind {', '.join(lacking)}. "
            "Compute the attributes first."
        )
