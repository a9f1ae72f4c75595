"""Decisions: for every file of the corpus the one reason why it is, or is not, in a release.

The block-list comes first, before duplicates are looked for, so that an innocent owner's copy takes the place of a
blocked one. Then the thresholds of the recipe, file by file. Then exact duplicates: of the files that passed, the
best-ranked one is the named origin of its blob. Then near-duplicates among those blobs.

The rank is a total order: a file's rank, then blob id, repository key and path. A blob has the rank of its best file.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from datasets_app.pipeline import comment_styles
from datasets_app.pipeline.attributes import TEXT
from datasets_app.pipeline.columns import read_columns
from datasets_app.pipeline.families import Family
from datasets_app.pipeline.format import DUPLICATES, FILES
from datasets_app.pipeline.notebook_facts import FORMS
from datasets_app.pipeline.notebook_facts import LANGUAGE as NOTEBOOK
from datasets_app.pipeline.reasons import KEPT, REASONS, FunnelRow
from datasets_app.pipeline.recipe import Recipe
from datasets_app.pipeline.release_errors import AttributesMissing, EmptyCorpus

FILE_COLUMNS = (
    "blob_id",
    "repository_key",
    "owner_key",
    "forge",
    "owner",
    "repository",
    "path",
    "size",
    "language",
    "licence",
    "permissive",
    "vendored",
    "generated",
    "rank",
    "sole_author",
)
ATTRIBUTE_COLUMNS = (
    "blob_id",
    "is_text",
    "characters",
    "longest_line",
    "mean_line",
    "alphanumeric",
    "alphabetic",
    "whitespace",
    "hash_comment",
    "slash_comment",
    "html_text",
    "encoded",
    "longest_encoded",
    "xml_head",
    "sha256",
)
BLOCKED = ("blocked_owner", "blocked_repository", "blocked_blob", "blocked_author")
BY_PLACE = BLOCKED[:2]
PASSED = (KEPT, "exact_copy", "near_duplicate")
"""The reasons of files that nothing is wrong with: their blobs take part in the search for duplicates."""

NOT_FOR_NOTEBOOKS = ("long_line", "long_mean_line", "few_alphanumeric", "few_alphabetic", "encoded", "xml")
"""Rules on text that would measure a notebook's JSON."""

Settle = Callable[[pl.DataFrame], pl.DataFrame]
"""From blobs (``blob_id``, ``rank``), the best first, to what became of those that have a near-duplicate (DUPLICATES)."""


@dataclass(frozen=True)
class Blocks:
    """The block-list of a build: what may not enter, by owner key, repository key and blob id.

    ``authors`` are keyed hashes as ``FILES`` has them: what such a person wrote alone may not enter, wherever it lies.
    """

    owners: frozenset[str] = frozenset()
    repositories: frozenset[str] = frozenset()
    blobs: frozenset[str] = frozenset()
    authors: frozenset[str] = frozenset()

    def __or__(self, other: "Blocks") -> "Blocks":
        return Blocks(
            self.owners | other.owners,
            self.repositories | other.repositories,
            self.blobs | other.blobs,
            self.authors | other.authors,
        )


def load_files(corpus: Path, columns: Iterable[str] = FILE_COLUMNS) -> pl.DataFrame:
    """The files of all sources, each (repository, path, blob) once.

    Raises:
        EmptyCorpus: There are none.
    """
    tables = sorted((corpus / "files").glob("[!.]*.parquet"))
    wanted = list(columns)
    files = pl.concat([read_columns(path, wanted, FILES) for path in tables]) if tables else pl.DataFrame()
    if files.is_empty():
        raise EmptyCorpus(f"The corpus at {corpus} holds no files. Ingest a source first.")
    if len(tables) > 1:
        files = files.unique(["repository_key", "path", "blob_id"], keep="first", maintain_order=True)
    return files


def load_attributes(corpus: Path, columns: Iterable[str] = ATTRIBUTE_COLUMNS) -> pl.DataFrame:
    """The attributes of all blobs, with the column ``blob_file``: the name (digest) of the blob file that holds each."""
    tables = TEXT.tables(corpus)
    if not tables:
        return pl.DataFrame(schema={"blob_id": pl.String, "blob_file": pl.String})
    attributes = (
        pl.scan_parquet(tables, include_file_paths="blob_file")
        .select(*columns, pl.col("blob_file").str.extract(r"([^/\\]+)\.parquet$"))
        .collect()
    )
    if attributes["blob_id"].n_unique() < len(attributes):
        # A purge that was cut off leaves a blob file beside its rewritten self until it is run again.
        attributes = attributes.unique("blob_id", keep="first", maintain_order=True)
    return attributes


def load(corpus: Path, contamination: Family | None = None, notebooks: Family | None = None) -> pl.DataFrame:
    """Every file of the corpus beside the attributes of its blob.

    Args:
        corpus: The folder of the corpus.
        contamination: The family that says which blobs hold text of a benchmark; None where none is looked for.
        notebooks: The family that says which blobs are notebooks that can be turned into text; None where none is taken.

    Raises:
        EmptyCorpus: There are no files.
        AttributesMissing: Blobs have no attributes.
    """
    files = load_files(corpus)
    attributes = load_attributes(corpus)
    if "sha256" in attributes.columns:
        files = files.join(attributes, on="blob_id", how="left", maintain_order="left")
        missing = files["sha256"].null_count()
    else:
        missing = len(files)
    if missing:
        raise AttributesMissing(
            f"{missing} files of the corpus at {corpus} have blobs without attributes. Compute the attributes first."
        )
    tables = contamination.tables(corpus) if contamination else []
    held = (
        pl.read_parquet(tables, columns=["blob_id"])["blob_id"].unique() if tables else pl.Series([], dtype=pl.String)
    )
    return files.with_columns(
        contaminated=pl.col("blob_id").is_in(held.implode()),
        **{form: pl.col("blob_id").is_in(_usable(corpus, notebooks, form).implode()) for form in FORMS},
    )


def _usable(corpus: Path, notebooks: Family | None, form: str) -> pl.Series:
    """The blobs that are notebooks and can be turned into text of this form."""
    tables = notebooks.tables(corpus) if notebooks else []
    if not tables:
        return pl.Series([], dtype=pl.String)
    return pl.scan_parquet(tables).filter(form).select("blob_id").collect()["blob_id"].unique()


@dataclass(frozen=True)
class Decided:
    """What was decided.

    Attributes:
        files: As ``load`` gave them, with ``reason``, ``copies`` and ``held`` (see ``format.DECISIONS``).
        duplicates: DUPLICATES of the blobs that share a band with another.
    """

    files: pl.DataFrame
    duplicates: pl.DataFrame

    @property
    def kept(self) -> pl.DataFrame:
        """The files that are in the release."""
        return self.files.filter(pl.col("reason") == KEPT)


def decide(files: pl.DataFrame, recipe: Recipe, blocks: Blocks, settle: Settle | None = None) -> Decided:
    """Give each file its reason.

    Args:
        files: As ``load`` gives them.
        recipe: The thresholds.
        blocks: What may not enter.
        settle: Finds near-duplicates; None where only exact copies are to be told.
    """
    checks = _checks(recipe, blocks)
    first_failed = pl.coalesce(pl.when(failed).then(pl.lit(key)) for key, failed in checks.items())
    files = files.with_columns(first_failed.alias("reason"))
    blocked = pl.col("reason").is_in(BLOCKED).fill_null(False)
    copies = files.filter(~blocked).group_by("blob_id").agg((pl.len() - 1).cast(pl.Int32).alias("copies"))
    files = files.join(copies, on="blob_id", how="left", maintain_order="left").with_columns(
        pl.when(blocked).then(None).otherwise(pl.col("copies")).alias("copies")
    )
    passed = (
        files.lazy()
        .with_row_index("row")
        .filter(pl.col("reason").is_null())
        .select("row", "blob_id", "rank", "repository_key", "path")
        .sort("rank", "blob_id", "repository_key", "path")
        .with_columns(pl.struct("repository_key", "path").is_first_distinct().alias("only_version"))
        .collect()
    )
    only = passed.filter("only_version")
    origins = only.unique("blob_id", keep="first", maintain_order=True)
    duplicates = settle(origins.select("blob_id", "rank")) if settle else no_duplicates()
    gone = duplicates.filter(pl.col("representative") != pl.col("blob_id"))["blob_id"].implode()
    reasons = pl.concat(
        [
            only.select(
                "row",
                reason_passed=pl.when(pl.col("blob_id").is_in(gone))
                .then(pl.lit("near_duplicate"))
                .when(pl.col("row").is_in(origins["row"].implode()))
                .then(pl.lit(KEPT))
                .otherwise(pl.lit("exact_copy")),
            ),
            passed.filter(~pl.col("only_version")).select("row", reason_passed=pl.lit("other_version")),
        ]
    )
    decided = (
        files.with_row_index("row")
        .join(reasons, on="row", how="left", maintain_order="left")
        .with_columns(pl.coalesce("reason", "reason_passed").alias("reason"))
        .drop("row", "reason_passed")
    )
    held = decided.filter(pl.col("reason") == KEPT)["blob_id"].implode()
    return Decided(decided.with_columns(pl.col("blob_id").is_in(held).alias("held")), duplicates)


def no_duplicates() -> pl.DataFrame:
    """DUPLICATES without a row."""
    frame = pl.from_arrow(DUPLICATES.empty_table())
    assert isinstance(frame, pl.DataFrame)
    return frame


def _checks(recipe: Recipe, blocks: Blocks) -> dict[str, pl.Expr]:
    """What makes a file fail, by reason, in the order of ``REASONS``. A null counts as not failed."""
    language = pl.col("language")
    data = language.is_in(_names(recipe.data_languages))
    lines_free = language.is_in(_names(recipe.long_lines_allowed))
    not_wanted = language.is_in(_names(recipe.languages_without))
    if recipe.languages is not None:
        not_wanted = not_wanted | ~language.is_in(_names(recipe.languages))
    extension = pl.col("path").str.extract(r"\.([^./]+)$").str.to_lowercase()
    least_alphabetic = (
        pl.when(data)
        .then(recipe.alphabetic)
        .when(extension.is_in(_names(recipe.alphabetic_extensions)))
        .then(recipe.alphabetic_of_extensions)
    )
    comments = (
        pl.when(language.is_in(_names(comment_styles.HASH)))
        .then(pl.col("hash_comment"))
        .when(language.is_in(_names(comment_styles.SLASH)))
        .then(pl.col("slash_comment"))
    )
    encoded = pl.col("encoded") > recipe.encoded_share
    if recipe.longest_encoded is not None:
        encoded = encoded | (pl.col("longest_encoded") > recipe.longest_encoded)
    checks = {
        **_block_checks(blocks),
        "not_text": ~pl.col("is_text"),
        "no_licence": pl.col("licence").is_null(),
        "not_permissive": ~pl.col("permissive").fill_null(False),
        "unknown_language": language.is_null(),
        "language_not_wanted": not_wanted,
        "too_small": pl.col("size") < recipe.smallest,
        "too_large": pl.col("size") > recipe.largest,
        "long_line": ~lines_free & (pl.col("longest_line") > recipe.longest_line),
        "long_mean_line": ~lines_free & (pl.col("mean_line") > recipe.mean_line),
        "few_alphanumeric": pl.col("alphanumeric") < recipe.alphanumeric,
        "few_alphabetic": pl.col("alphabetic") < least_alphabetic,
        "little_text": language.is_in(_names(recipe.html_languages))
        & (
            (pl.col("html_text") <= recipe.html_visible_share * pl.col("characters"))
            | (pl.col("html_text") <= recipe.html_visible_characters)
        ),
        "encoded": encoded,
        "few_comments": comments < recipe.comment_share_smallest,
        "mostly_comments": comments > recipe.comment_share_largest,
        "minified": language.is_in(_names(recipe.minified_languages))
        & (pl.col("whitespace") < recipe.minified_whitespace),
        "xml": ~language.is_in(_names(recipe.xml_allowed)) & pl.col("xml_head"),
        "data_too_small": data & (pl.col("characters") < recipe.data_smallest),
        "data_too_large": data & (pl.col("characters") > recipe.data_largest),
    }
    checks["contaminated"] = pl.col("contaminated")
    notebook = language.eq_missing(NOTEBOOK)
    if recipe.notebooks == "drop":
        checks["notebook"] = notebook
    else:
        checks["notebook"] = notebook & ~pl.col(recipe.notebooks)
        for rule in NOT_FOR_NOTEBOOKS:
            checks[rule] = checks[rule] & ~notebook
    if not recipe.with_vendored:
        checks["vendored"] = pl.col("vendored")
    if not recipe.with_generated:
        checks["generated"] = pl.col("generated")
    return {key: checks[key] for key in REASONS if key in checks}


def is_blocked(blocks: Blocks, *, blobs: bool = True) -> pl.Expr:
    """Whether a file is blocked: an expression over the columns owner_key, repository_key and, with ``blobs``, blob_id and
    (where authors are blocked) sole_author.
    """
    checks = _block_checks(blocks)
    return pl.any_horizontal(*(check for key, check in checks.items() if blobs or key in BY_PLACE))


def block_reason(blocks: Blocks) -> pl.Expr:
    """Why a file is blocked, null where it is not: an expression over the same columns."""
    return pl.coalesce(pl.when(failed).then(pl.lit(key)) for key, failed in _block_checks(blocks).items())


def _block_checks(blocks: Blocks) -> dict[str, pl.Expr]:
    checks = {
        "blocked_owner": pl.col("owner_key").is_in(_names(blocks.owners)),
        "blocked_repository": pl.col("repository_key").is_in(_names(blocks.repositories)),
        "blocked_blob": pl.col("blob_id").is_in(_names(blocks.blobs)),
    }
    if blocks.authors:
        checks["blocked_author"] = pl.col("sole_author").is_in(_names(blocks.authors)).fill_null(False)
    return checks


def _names(values: Iterable[str]) -> pl.Series:
    return pl.Series(sorted(values), dtype=pl.String).implode()


def funnel(decided: pl.DataFrame) -> list[FunnelRow]:
    """Files and bytes by reason, in the order of ``REASONS``; reasons that hit nothing are left out."""
    counts = decided.group_by("reason").agg(pl.len().alias("files"), pl.col("size").sum().alias("bytes"))
    by_reason = {row["reason"]: row for row in counts.iter_rows(named=True)}
    return [
        FunnelRow(reason=key, files=by_reason[key]["files"], bytes=by_reason[key]["bytes"])
        for key in REASONS
        if key in by_reason
    ]
