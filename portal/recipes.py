"""The recipes that anybody may read: those at hand, and those that published releases were made by."""

from dataclasses import dataclass, fields
from typing import Any

from datasets_app.models import Release
from datasets_app.pipeline.recipe import PRESETS, Recipe

KEY = 16  # characters of a digest in an address
ABOUT = {
    "starcoder": "StarCoder's data (arXiv 2305.06161, section 3), for data at scale.",
    "the-stack": "The Stack v1.2 (arXiv 2211.15533, section 3): licence, language and size, and no rule on the text.",
    "santacoder": "SantaCoder's data (arXiv 2301.03988, section 4): Java, JavaScript and Python, with comments between 1 and 80 %.",
    "demo": "For the corpus of one machine, strict on authorship.",
}


@dataclass(frozen=True)
class Row:
    """One choice of a recipe, in words."""

    field: str
    value: str


@dataclass(frozen=True)
class PublicRecipe:
    """A recipe, and the published releases that were made by it (``name version``, newest first)."""

    recipe: Recipe
    digest: str
    releases: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What stands in its address."""
        return self.digest[:KEY]

    @property
    def name(self) -> str:
        """What people call it."""
        return self.recipe.name

    @property
    def about(self) -> str:
        """What it is for, where it is one of ours unchanged."""
        known = PRESETS.get(self.recipe.name)
        return ABOUT.get(self.recipe.name, "") if known is not None and known.digest() == self.digest else ""

    @property
    def rows(self) -> list[Row]:
        """All its choices, in their order."""
        return [Row(one.name, _told(getattr(self.recipe, one.name))) for one in fields(Recipe) if one.name != "name"]


def everything() -> list[PublicRecipe]:
    """Each recipe once, those of published releases first."""
    made: dict[str, list[Release]] = {}
    published = Release.objects.filter(state="published").order_by("-published_at", "-pk")
    for release in published.only("name", "version", "recipe", "recipe_digest"):
        made.setdefault(release.recipe_digest, []).append(release)
    found = [
        PublicRecipe(Recipe.from_dict(releases[0].recipe, any_rules=True), digest, tuple(str(one) for one in releases))
        for digest, releases in made.items()
        if digest
    ]
    return found + [PublicRecipe(one, one.digest()) for one in PRESETS.values() if one.digest() not in made]


def by_key(key: str) -> PublicRecipe | None:
    """The recipe of an address, or None."""
    return next((one for one in everything() if one.key == key), None)


def _told(value: Any) -> str:
    if value is None:  # all languages, or no bound on a length
        return "no limit"
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) or "none"
