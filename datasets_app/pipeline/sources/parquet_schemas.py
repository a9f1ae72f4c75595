"""The Parquet schemas that can be imported, and how a row of each becomes one shape: :data:`ROWS`.

Facts of the schemas are those of the public data sets' cards:

* *The Stack v1* (v1.0 to v1.2): ``max_stars_repo_*`` name the repository with most stars that holds the file. Its list of licences
  is of all that were found in that repository; they are read as a sum, which can only hold code out.
* *The Stack v2* (with a column of contents, which the public one leaves to Software Heritage): ``gha_license_id`` is what the
  forge says and decides where it is a known licence; else ``detected_licenses``, as a sum. ``github_id`` is the number of the
  *repository*, not of the account, and is not read: owners are keyed by their login. ``is_vendor`` and ``is_generated``
  follow another version of linguist's rules and are not read either: one rule holds for all sources.
* *starcoderdata*: no licence, no commit. Its contents may begin with a line of ``<reponame>``, ``<filename>`` and ``<gh_stars>``,
  which was added for training and is taken off. Every recipe that asks for a known licence keeps these files out.
"""

import functools
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from datasets_app.pipeline.errors import SourceError
from datasets_app.pipeline.licences import Licence, combine, from_expression, is_permissive

ROWS = pa.schema(
    [
        ("repository", pa.large_string()),  # owner/name, as the forge writes it
        ("path", pa.large_string()),
        ("content", pa.large_binary()),  # null where the row has none
        ("licences", pa.list_(pa.string())),
        ("forge_licence", pa.string()),
        ("commit", pa.string()),
        ("stars", pa.int64()),
    ]
)
_TRAINING_LINE = r"\A(?:<reponame>[^\n<]+|<filename>[^\n<]+|<gh_stars>[^\n<]+)+\n"
_OWNER_AND_NAME = r"^[^/\s]{1,150}/[^/\s]{1,150}$"
_HASH = r"^[0-9a-f]{40}$"


@dataclass(frozen=True)
class Schema:
    """A schema that can be imported.

    Attributes:
        title: As people call it.
        columns: Column of :data:`ROWS` to its column in the files; all of these have to be there.
        marks: Columns that tell it from the other schemas.
        evidence: What is told as the evidence of a licence; empty where rows tell none.
    """

    title: str
    columns: dict[str, str] = field(hash=False)
    marks: frozenset[str]
    evidence: str


THE_STACK_V1 = Schema(
    "The Stack v1",
    {
        "repository": "max_stars_repo_name",
        "path": "max_stars_repo_path",
        "content": "content",
        "licences": "max_stars_repo_licenses",
        "commit": "max_stars_repo_head_hexsha",
        "stars": "max_stars_count",
    },
    frozenset({"hexsha", "max_stars_repo_licenses", "max_stars_repo_head_hexsha", "max_issues_repo_name"}),
    "metadata: max_stars_repo_licenses",
)
THE_STACK_V2 = Schema(
    "The Stack v2 with contents",
    {
        "repository": "repo_name",
        "path": "path",
        "content": "content",
        "licences": "detected_licenses",
        "forge_licence": "gha_license_id",
        "commit": "revision_id",
        "stars": "star_events_count",
    },
    frozenset(
        {"blob_id", "directory_id", "content_id", "repo_name", "revision_id", "star_events_count", "license_type"}
    ),
    "metadata: detected_licenses",
)
STARCODERDATA = Schema(
    "starcoderdata",
    {
        "repository": "max_stars_repo_name",
        "path": "max_stars_repo_path",
        "content": "content",
        "stars": "max_stars_count",
    },
    frozenset({"max_stars_repo_name", "max_stars_repo_path", "max_stars_count"}),
    "",
)
SCHEMAS = (THE_STACK_V1, THE_STACK_V2, STARCODERDATA)


def recognise(path: Path, columns: Iterable[str]) -> Schema:
    """The schema of a file by the names of its columns.

    Raises:
        SourceError: It is none of them, or one with columns missing; the text names these.
    """
    there = set(columns)
    for schema in SCHEMAS:
        if not there & schema.marks:
            continue
        missing = sorted(set(schema.columns.values()) - there)
        if missing:
            raise SourceError(
                f"{path.name} looks like {schema.title}, but has no column {', '.join(missing)}. "
                "Import a file that has all of its columns, with the contents."
            )
        return schema
    raise SourceError(
        f"{path.name} has the columns {', '.join(sorted(there)[:20]) or '(none)'}: it is none of "
        + ", ".join(schema.title for schema in SCHEMAS)
        + "."
    )


def to_rows(schema: Schema, table: pa.Table, path: Path) -> tuple[pa.Table, int]:
    """Rows of a file in the shape of :data:`ROWS`, without those that name no owner and repository, and how many those were.

    Raises:
        SourceError: A column has values of another type.
    """
    columns = []
    for column in ROWS:
        name = schema.columns.get(column.name)
        try:
            columns.append(
                pa.chunked_array([pa.nulls(len(table), column.type)])
                if name is None
                else _typed(schema, column, table.column(name))
            )
        except pa.ArrowException as error:
            raise SourceError(
                f"The column {name} of {path.name} is of type {table.schema.field(name).type}: it cannot be read as {column.type}."
            ) from error
    rows = pa.table(columns, schema=ROWS)
    named = pc.fill_null(pc.match_substring_regex(rows["repository"], _OWNER_AND_NAME), False)
    rows = rows.filter(named)
    return rows, len(table) - len(rows)


def _typed(schema: Schema, wanted: pa.Field, values: pa.ChunkedArray) -> pa.ChunkedArray:
    if wanted.name == "content" and schema is STARCODERDATA:
        values = pc.replace_substring_regex(values.cast(pa.large_string()), _TRAINING_LINE, "", max_replacements=1)
    if wanted.name == "stars" and not pa.types.is_integer(values.type):
        values = values.cast(pa.float64())  # counts with gaps were often written as floats
        values = pc.if_else(pc.is_finite(values), pc.floor(values), pa.scalar(None, pa.float64()))
    values = values.cast(wanted.type)
    if wanted.name == "path":
        values = pc.replace_substring_regex(
            values, "^/", "", max_replacements=1
        )  # v2 counts from the repository's root
    if wanted.name == "commit":
        values = pc.if_else(pc.match_substring_regex(values, _HASH), values, pa.scalar(None, pa.string()))
    return values


@functools.lru_cache(maxsize=65536)
def licence_of(schema: Schema, licences: tuple[str, ...] | None, forge_licence: str | None) -> Licence:
    """The licence of a row; what names no licence that is known makes the whole unknown."""
    said = from_expression(forge_licence) if forge_licence else None
    if said is not None:
        return Licence(said, "metadata: gha_license_id", is_permissive(said))
    if not licences:
        return Licence(None, None, False)  # nothing is said: files of licences among the rows may speak
    known = [from_expression(one) for one in licences]
    expressions = [one for one in known if one is not None]
    if len(expressions) < len(licences):
        unknown = ", ".join(one for one, found in zip(licences, known, strict=True) if found is None)
        return Licence(None, f"{schema.evidence} not recognised: {unknown[:200]}", False)
    expression = combine(expressions)
    return Licence(expression, schema.evidence, is_permissive(expression))
