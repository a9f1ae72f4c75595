"""Families of attributes: facts of a blob that depend on its bytes and on one set of rules, each computed once.

A family lies in a folder of its own, named by its rules, with one table for each blob file::

    corpus/attributes/<family>-<rules>/<blob file>.parquet

Other rules give another folder, so facts of old and new rules never mix, and a change of one family computes no other
again. Which families a build needs follows from its recipe.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from datasets_app.pipeline.atomic import TEMPORARY


@dataclass(frozen=True)
class Family:
    """Facts that are computed together.

    Attributes:
        name: What the facts are about: lower-case letters.
        rules: The version of what decides the values: a number or a digest. Part of the folder's name.
        schema: Of the table; its first column is ``blob_id``.
        compute: From a table of ``format.BLOBS`` (one row group) to rows of ``schema``. Depends on nothing but the bytes,
            and may be called by several threads at once.
        dense: Whether there is one row for each blob, in their order. Else blobs of which there is nothing to say have none.
    """

    name: str
    rules: str
    schema: pa.Schema = field(compare=False)
    compute: Callable[[pa.Table], pa.Table] = field(compare=False, repr=False)
    dense: bool = True

    def __post_init__(self) -> None:
        """Check that name and rules can be part of a folder's name.

        Raises:
            ValueError: Says which of them cannot.
        """
        if not re.fullmatch(r"[a-z]+", self.name):
            raise ValueError(f"name: {self.name!r} is not of lower-case letters")
        if not re.fullmatch(r"[0-9a-z.]+", self.rules):
            raise ValueError(f"rules: {self.rules!r} is not of lower-case letters, digits and dots")

    @property
    def folder(self) -> str:
        """The folder's name below ``corpus/attributes``."""
        return f"{self.name}-{self.rules}"

    def path(self, corpus: Path, blob_file: str) -> Path:
        """Where the facts of the blob file with this name (its digest, without a suffix) lie."""
        return corpus / "attributes" / self.folder / f"{blob_file}.parquet"

    def tables(self, corpus: Path) -> list[Path]:
        """The tables that are there, in a stable order."""
        return table_paths(corpus, self.folder)


def table_paths(corpus: Path, folder: str) -> list[Path]:
    """The tables in the folder of a family, in a stable order."""
    return sorted(
        path for path in (corpus / "attributes" / folder).glob("*.parquet") if not path.name.startswith(TEMPORARY)
    )


def tables_of(corpus: Path, blob_file: str) -> list[Path]:
    """The tables of facts of one blob file, of whatever family and rules."""
    return sorted((corpus / "attributes").glob(f"[!.]*/{blob_file}.parquet"))
