"""The recipe of a release: which files it takes, by thresholds over the attributes, and how it is written.

A recipe is frozen and has a digest; it is stored with each release that it made. Only files under a permissive
licence are taken: that is no choice of a recipe, and so it is no field here.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from datasets_app.pipeline.language_sets import language_set

RULES = 2
"""The version of the rules in ``decide``: it is part of the digest, so the same thresholds under other rules differ."""

MIB = 1 << 20
SETS = (
    "languages",
    "languages_without",
    "long_lines_allowed",
    "alphabetic_extensions",
    "data_languages",
    "xml_allowed",
    "html_languages",
    "minified_languages",
    "benchmarks",
    "redact",
)
SHARES = (
    "alphanumeric",
    "alphabetic",
    "alphabetic_of_extensions",
    "html_visible_share",
    "comment_share_smallest",
    "comment_share_largest",
    "encoded_share",
    "minified_whitespace",
)

KINDS = ("EMAIL", "IP_ADDRESS", "KEY", "NAME", "PASSWORD", "USERNAME")
NOTEBOOKS = ("drop", "script", "structured")
NEAR_DUPLICATES = ("verified", "components", "off")


@dataclass(frozen=True)
class Recipe:
    """Thresholds and choices. Sizes are bytes of source, lengths are characters, shares are 0..1.

    The defaults are those of StarCoder's data (arXiv 2305.06161, section 3.1 to 3.5, and the published filter
    scripts) where it has them; the others say that they are ours.

    Attributes:
        name: What people call the recipe.
        languages: Linguist's names of the languages to take; ``None`` takes every language that was recognised.
        languages_without: Languages to leave out of those.
        smallest: Fewest bytes of a file. Ours: an empty file teaches nothing, and every empty file is the same blob.
        largest: Most bytes of a file. Ours: longer files are data or bundles, and memory follows the longest one.
        longest_line: Most characters of a line (StarCoder: 1000).
        mean_line: Most characters of a line on average (StarCoder: 100).
        long_lines_allowed: Languages in which neither rule on lines applies (StarCoder's list: prose, statistics, SQL, CMake,
            JSON and a few; the published table of its choices by extension, ``visual_inspection.csv``).
        alphanumeric: Least share of letters and digits among the characters (StarCoder: 0.25).
        alphabetic: Least share of letters in the languages of ``data_languages`` (StarCoder: 0.5 for JSON and YAML).
        alphabetic_extensions: Extensions, without their dot, under which data lies among the code (the same table).
        alphabetic_of_extensions: Least share of letters under those (StarCoder: 0.25).
        data_languages: Languages whose files are often data.
        data_smallest: Fewest characters of a file in those (StarCoder: 50).
        data_largest: Most characters of a file in those (StarCoder: 5000).
        xml_allowed: Languages in which a file may start as an XML document (StarCoder: XSLT).
        html_languages: Languages of pages that are judged by the text they show.
        html_visible_share: Least share of a page that is visible text (StarCoder: 0.2).
        html_visible_characters: Fewest characters of visible text (StarCoder: 100).
        comment_share_smallest: Least share of comments, in languages of :mod:`~datasets_app.pipeline.comment_styles`
            (SantaCoder, arXiv 2301.03988, section 4.2: 0.01; StarCoder has no such rule, so 0).
        comment_share_largest: Largest share of comments in those (SantaCoder: 0.8; without the rule 1).
        encoded_share: Largest share of base64, hexadecimal and escaped bytes (The Stack v2, arXiv 2402.19173: 0.5; without
            the rule 1).
        longest_encoded: Most characters in a run of these (The Stack v2: 1024); ``None`` for no rule.
        minified_languages: Languages that programs squeeze.
        minified_whitespace: Least share of white space in those; below it the file counts as minified. Ours, so 0 but in
            the demo: what people write has 0.15 and more, what minifiers leave has under 0.06.
        notebooks: What becomes of Jupyter notebooks: ``drop``, or published as ``script`` or as ``structured`` text (see
            :mod:`~datasets_app.pipeline.notebooks`). StarCoder has either in a set of its own beside the code, so the code
            is built with ``drop``, and those sets by a recipe with ``languages=("Jupyter Notebook",)``. Rules on the text of
            code do not apply to notebooks that are taken: they would measure JSON.
        with_vendored: Take files that lie in a folder of other people's work. StarCoder does. Ours does not by
            default in the demo: their named owner did not write them.
        with_generated: Take files that a program wrote.
        benchmarks: Benchmarks of which no file may hold a text: ``humaneval``, or files that staff added (StarCoder: HumanEval,
            MBPP, APPS, GSM8K and DS-1000; only the first can be shipped).
        redact: Kinds of personal data that are replaced in the published text (StarCoder: all of them but user names in
            paths; names, user names and passwords take a model).
        pii_model: The folder below ``corpus/models`` of the model that finds names, user names and passwords; empty for
            none.
        near_duplicates: How near-duplicates are told. ``verified``: every candidate is checked on its sketch (ours).
            ``components``: whatever candidates tie together counts as one, unchecked (StarCoder's script). ``off``: exact
            copies alone.
        near_threshold: The Jaccard similarity from which two files are near-duplicates (StarCoder: 0.7). The candidates
            are made for .7; a lower threshold finds little more.
        shard_bytes: Bytes of source to aim at in a shard when a language is first divided into buckets.
        row_group_bytes: Bytes of source to aim at in a row group, the unit in which a single file is read.
        zstd_level: Compression of the shards.
    """

    name: str = "starcoder"
    languages: tuple[str, ...] | None = None
    languages_without: tuple[str, ...] = ()
    smallest: int = 1
    largest: int = MIB
    longest_line: int = 1000
    mean_line: float = 100.0
    long_lines_allowed: tuple[str, ...] = (
        "BibTeX",
        "Bluespec",
        "CMake",
        "JSON",
        "MATLAB",
        "Markdown",
        "R",
        "RMarkdown",
        "SQL",
        "Stata",
        "TeX",
        "reStructuredText",
    )
    alphanumeric: float = 0.25
    alphabetic: float = 0.5
    # fmt: off
    alphabetic_extensions: tuple[str, ...] = (
        "ads", "aug", "bas", "fp", "ma", "matlab", "mpl", "nb", "prc", "scm", "sld", "sps", "sv", "vhd", "wl", "y",
    )
    # fmt: on
    alphabetic_of_extensions: float = 0.25
    data_languages: tuple[str, ...] = ("JSON", "YAML")
    data_smallest: int = 50
    data_largest: int = 5000
    xml_allowed: tuple[str, ...] = ("XSLT",)
    html_languages: tuple[str, ...] = ("HTML",)
    html_visible_share: float = 0.2
    html_visible_characters: int = 100
    comment_share_smallest: float = 0.0
    comment_share_largest: float = 1.0
    encoded_share: float = 1.0
    longest_encoded: int | None = None
    minified_languages: tuple[str, ...] = ("CSS", "JavaScript", "TypeScript")
    minified_whitespace: float = 0.0
    notebooks: str = "drop"
    with_vendored: bool = True
    with_generated: bool = True
    benchmarks: tuple[str, ...] = ("humaneval",)
    redact: tuple[str, ...] = ("EMAIL", "IP_ADDRESS", "KEY", "NAME", "PASSWORD", "USERNAME")
    pii_model: str = ""
    near_duplicates: str = "verified"
    near_threshold: float = 0.7
    shard_bytes: int = 16 * MIB
    row_group_bytes: int = 2 * MIB
    zstd_level: int = 3

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            ValueError: Names the field and what it may be.
        """
        if not self.name:
            raise ValueError("name: a recipe needs a name")
        for field in SETS:
            value = getattr(self, field)
            if value is None and field == "languages":
                continue
            if not isinstance(value, tuple) or not all(isinstance(item, str) and item for item in value):
                raise ValueError(f"{field}: a tuple of names, not {value!r}")
            # Sets: their order must not change the digest.
            object.__setattr__(self, field, tuple(sorted(set(value))))
        if self.languages == ():
            raise ValueError("languages: names none, so nothing could be kept; leave it out to take all")
        for low, high in (
            ("smallest", "largest"),
            ("data_smallest", "data_largest"),
            ("comment_share_smallest", "comment_share_largest"),
        ):
            if not 0 <= getattr(self, low) <= getattr(self, high):
                raise ValueError(f"{low}: {getattr(self, low)} is not between 0 and {high} ({getattr(self, high)})")
        for field in ("longest_line", "mean_line"):
            if not getattr(self, field) > 0:
                raise ValueError(f"{field}: {getattr(self, field)} is not above 0")
        for field in SHARES:
            if not 0 <= getattr(self, field) <= 1:
                raise ValueError(f"{field}: {getattr(self, field)} is not a share between 0 and 1")
        if unknown := set(self.redact) - set(KINDS):
            raise ValueError(f"redact: {', '.join(sorted(unknown))} is none of {', '.join(KINDS)}")
        for name in self.benchmarks:  # it names a file
            if not re.fullmatch(r"[a-z0-9_-]{1,64}", name):
                raise ValueError(f"benchmarks: {name!r} is not of lower-case letters, digits, '_' and '-'")
        if self.pii_model and not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", self.pii_model):
            raise ValueError(f"pii_model: {self.pii_model!r} is not of lower-case letters, digits, '.', '_' and '-'")
        if self.notebooks not in NOTEBOOKS:
            raise ValueError(f"notebooks: {self.notebooks!r} is none of {', '.join(NOTEBOOKS)}")
        if self.near_duplicates not in NEAR_DUPLICATES:
            raise ValueError(f"near_duplicates: {self.near_duplicates!r} is none of {', '.join(NEAR_DUPLICATES)}")
        if not 0 < self.near_threshold <= 1:
            raise ValueError(f"near_threshold: {self.near_threshold} is not a similarity above 0, up to 1")
        for field in ("html_visible_characters", "longest_encoded"):
            value = getattr(self, field)
            if value is not None and value < 0:
                raise ValueError(f"{field}: {value} is below 0")
        for field in ("shard_bytes", "row_group_bytes"):
            if getattr(self, field) < 1024:
                raise ValueError(f"{field}: {getattr(self, field)} bytes is below 1024")
        if not 1 <= self.zstd_level <= 22:
            raise ValueError(f"zstd_level: {self.zstd_level} is not between 1 and 22")

    def to_dict(self) -> dict[str, Any]:
        """The recipe as plain JSON values, with the version of the rules."""
        values = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}
        return {"rules": RULES, **values}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, any_rules: bool = False) -> "Recipe":
        """The recipe that ``to_dict`` wrote; fields that are missing take their defaults.

        Args:
            values: As ``to_dict`` gave them.
            any_rules: Take rules of another version too: for a release that was decided by them already.

        Raises:
            ValueError: An unknown field, a bad value, or rules of another version.
        """
        values = dict(values)
        rules = values.pop("rules", RULES)
        if rules != RULES and not any_rules:
            raise ValueError(
                f"rules: this recipe is for version {rules} of the rules, this program has version {RULES}"
            )
        unknown = values.keys() - {field.name for field in fields(cls)}
        if unknown:
            raise ValueError(f"{', '.join(sorted(unknown))}: a recipe has no such field")
        chosen: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
        }
        return cls(**chosen)

    def digest(self) -> str:
        """SHA-256 (hex) of the recipe as canonical JSON: sorted keys, no spaces."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()


STACK = {
    "benchmarks": (),
    "redact": (),
    "languages": language_set("the_stack"),
    "longest_line": MIB,
    "mean_line": float(MIB),
    "alphanumeric": 0.0,
    "alphabetic": 0.0,
    "alphabetic_of_extensions": 0.0,
    "data_languages": (),
    "xml_allowed": language_set("the_stack"),
    "html_languages": (),
}
"""The Stack v1.2 (arXiv 2211.15533, section 3): licence, language and a size of at most 1 MB, and no rule on the text."""

PRESETS: dict[str, Recipe] = {
    "starcoder": Recipe(languages=language_set("starcoder")),
    "the-stack": Recipe(name="the-stack", **STACK),  # type: ignore[arg-type]
    "santacoder": Recipe(
        name="santacoder",
        languages=("Java", "JavaScript", "Python"),
        alphabetic_of_extensions=0.0,
        html_languages=(),
        comment_share_smallest=0.01,
        comment_share_largest=0.8,
    ),
    "demo": Recipe(
        name="demo",
        encoded_share=0.5,
        minified_whitespace=0.06,
        with_vendored=False,
        with_generated=False,
        shard_bytes=4 * MIB,
        row_group_bytes=MIB,
    ),
}
"""Recipes by name.

* ``starcoder``: StarCoder's data (arXiv 2305.06161, section 3), for data at scale.
* ``the-stack``: The Stack v1.2; see ``STACK``.
* ``santacoder``: SantaCoder's data (arXiv 2301.03988, section 4): Java, JavaScript and Python, the rules on lines and letters,
  and comments between 1 and 80 %. Its filters by stars and by tokens need facts that a corpus does not hold.
* ``demo``: for the corpus of one machine, strict on authorship.
"""


def preset(name: str) -> Recipe:
    """The preset of this name.

    Raises:
        ValueError: There is none; the message lists those there are.
    """
    if name not in PRESETS:
        raise ValueError(f"no recipe {name!r}; there are {', '.join(sorted(PRESETS))}")
    return PRESETS[name]
