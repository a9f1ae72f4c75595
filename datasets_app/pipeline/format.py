"""The tables that the engine keeps on disk: their columns, types and places.

The corpus (what was ingested)::

    corpus/blobs/<digest>.parquet        BLOBS       immutable; each blob once in the whole corpus
    corpus/files/<source>.parquet        FILES       the current snapshot of one source, replaced as a whole
    corpus/attributes/<family>-<rules>/<digest>.parquet   facts of the blobs in the blob file of the same digest, such as
                                                          ATTRIBUTES in the family "text" (see ``families``)

A release (what a recipe made of it)::

    releases/<name>/<version>/manifest.json    committed last; a release without it does not exist
    releases/shards/<aa>/<sha256>.parquet      SHARD   immutable, named by its bytes, shared between releases
    releases/<name>/<version>/decisions/         DECISIONS  every file with its reason: for staff, never public
    releases/<name>/<version>/duplicates/        DUPLICATES which blobs were found to be near-duplicates: likewise
    releases/<name>/<version>/holdings.parquet   HOLDINGS   what the release holds of each repository

Keys: a *blob id* is the git blob SHA-1 in hex (40 characters). An *owner key* is ``<forge>:<numeric account id>`` where the
forge gives one, else ``<forge>/<login folded to lower case>``. A *repository key* is ``<owner key>/<name folded>``. Keys
are stable under renames where there is a numeric id; names beside them are for display.

Nothing but this module is imported by the trainer and by tracing.
"""

from pathlib import Path

import pyarrow as pa

BLOBS = pa.schema(
    [
        ("blob_id", pa.string()),  # git blob SHA-1, hex
        ("content", pa.large_binary()),  # the bytes as they were read
    ]
)

FILES = pa.schema(
    [
        ("blob_id", pa.string()),
        ("repository_key", pa.string()),
        ("owner_key", pa.string()),
        ("forge", pa.string()),  # host name, such as github.com
        ("owner", pa.string()),  # login as the forge writes it
        ("repository", pa.string()),  # name as the forge writes it
        ("path", pa.string()),  # relative, with "/", never ".."
        ("size", pa.int64()),  # bytes
        ("language", pa.string()),  # linguist's name; null where unknown
        ("licence", pa.string()),  # SPDX expression; null where none was recognised
        ("licence_evidence", pa.string()),  # what said so, such as "metadata: License-Expression"
        ("permissive", pa.bool_()),  # every way to satisfy the expression is by permissive licences, or one choice is
        ("vendored", pa.bool_()),  # by linguist's rules on the path
        ("generated", pa.bool_()),
        ("rank", pa.int32()),  # smaller is the better origin among copies of one blob; ties end in repository key, path
        ("commit", pa.string()),  # it was read at, hex; null where the source knows none
        ("sole_author", pa.string()),  # keyed hash of the address of the only author; null for several, or no history
        (
            "authors",
            pa.list_(pa.string()),
        ),  # keyed hashes of the addresses of all authors, sorted; null without history
        ("stars", pa.int32()),  # of the repository, as the source tells; null where it does not
    ]
)
FILES_LATER = frozenset({"commit", "sole_author", "authors", "stars"})
"""Columns of FILES that came later: a table written before has none of them, and reads as null."""

ATTRIBUTES = pa.schema(
    [
        ("blob_id", pa.string()),
        ("size", pa.int64()),
        ("is_text", pa.bool_()),  # valid UTF-8 without NUL
        ("characters", pa.int32()),
        ("lines", pa.int32()),
        ("longest_line", pa.int32()),  # characters
        ("mean_line", pa.float32()),  # characters
        ("alphanumeric", pa.float32()),  # share of the characters, 0..1
        ("alphabetic", pa.float32()),
        ("whitespace", pa.float32()),
        ("xml_head", pa.bool_()),  # "<?xml version=" in the first 100 characters
        ("hash_comment", pa.float32()),  # share of the characters in # comments and docstrings
        ("slash_comment", pa.float32()),  # share of the characters in // and /* */ comments
        ("html_text", pa.int32()),  # characters that a browser would show of it
        ("encoded", pa.float32()),  # share of the characters in base64, hexadecimal and escaped bytes
        ("longest_encoded", pa.int32()),  # characters of the longest run of these
        ("content_hash", pa.binary(16)),  # xxh3-128 of the bytes
        ("sha256", pa.binary(32)),  # of the bytes, for the manifest tree
    ]
)

SHARD = pa.schema(
    [
        ("blob_id", pa.string()),
        ("content", pa.large_string()),  # the published text
        ("path", pa.string()),
        ("forge", pa.string()),
        ("owner", pa.string()),
        ("repository", pa.string()),
        ("repository_key", pa.string()),
        ("owner_key", pa.string()),
        ("language", pa.string()),
        ("licence", pa.string()),
        ("size", pa.int64()),  # bytes of the source
        ("copies", pa.int32()),  # other files that hold the same blob and are not blocked
        ("sha256", pa.binary(32)),  # of the source bytes
        ("published_sha256", pa.binary(32)),  # of the published text in UTF-8
    ]
)

DECISIONS = pa.schema(
    [
        ("blob_id", pa.string()),
        ("repository_key", pa.string()),
        ("owner_key", pa.string()),
        ("forge", pa.string()),
        ("owner", pa.string()),
        ("repository", pa.string()),
        ("path", pa.string()),
        ("size", pa.int64()),
        ("language", pa.string()),
        ("licence", pa.string()),
        ("rank", pa.int32()),
        ("sha256", pa.binary(32)),
        ("sole_author", pa.string()),  # as in FILES; a table written before it came reads as null
        ("copies", pa.int32()),  # other files that hold the same blob and are not blocked; null where this one is
        ("held", pa.bool_()),  # the release holds the blob, under this origin or another
        ("reason", pa.string()),  # "kept", or a key of reasons.REASONS
    ]
)

DUPLICATES = pa.schema(
    [
        ("blob_id", pa.string()),
        ("rank", pa.int32()),  # of its best file that passed
        ("component", pa.string()),  # blob id of the best of those that candidates tie together
        ("representative", pa.string()),  # blob id of the one that stands for it; its own where it stays
        ("similarity", pa.float32()),  # to the representative, estimated, 0..1
        ("sketch", pa.binary(256)),
        ("bands", pa.binary(200)),
    ]
)

HOLDINGS = pa.schema(
    [
        ("repository_key", pa.string()),
        ("owner_key", pa.string()),
        ("forge", pa.string()),
        ("owner", pa.string()),
        ("repository", pa.string()),
        ("licence", pa.string()),  # the commonest expression
        ("licences", pa.list_(pa.string())),
        ("languages", pa.list_(pa.string())),  # commonest first
        ("files", pa.int64()),  # rows of the release whose named origin lies here
        ("copies", pa.int64()),  # files here whose blob is held under another origin
        ("bytes", pa.int64()),
    ]
)


def shard_path(releases: Path, digest: str) -> Path:
    """Where the shard with this SHA-256 (hex) lies below the releases folder."""
    return releases / "shards" / digest[:2] / f"{digest}.parquet"


def manifest_path(releases: Path, name: str, version: str) -> Path:
    """Where the manifest of a release lies; it exists only once the release is whole."""
    return releases / name / version / "manifest.json"
