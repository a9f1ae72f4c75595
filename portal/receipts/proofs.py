"""Proofs in the trees of releases: which leaves were there, and which neighbours leave no room for others."""

import base64
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from datasets_app.pipeline import merkle, state
from datasets_app.pipeline.errors import PipelineError
from datasets_app.pipeline.format import manifest_path, shard_path
from datasets_app.pipeline.manifest import Manifest
from portal.receipts.trees import Tree, places

Proof = dict[str, Any]
"""``root`` (hex) and ``size`` of the tree; ``indices`` of the leaves shown; the ``leaves`` (84 bytes each: blob id, SHA-256 of the
source, SHA-256 of the published text) and the ``nodes`` beside them (32 bytes each), in base64."""


class ReleaseTree:
    """The tree of one release whose bytes are there, opened for proofs."""

    def __init__(self, releases: Path, found: Manifest) -> None:
        """Read the leaves, or make them from the rows where there are none, and build the tree: one pass over them.

        Raises:
            PipelineError: They give another root than the manifest's, or shards are missing.
        """
        self.releases, self.manifest = releases, found
        folder = manifest_path(releases, found.name, found.version).parent
        try:
            leaves = state.read_leaves(folder)
        except FileNotFoundError:  # an earlier version of this program made the release
            leaves = self._leaves_of_rows()
        self.ids = _bytes_of(leaves["blob_id"], 20)
        self._hashes = _bytes_of(leaves["leaf"], 32)
        self._tree = Tree(self._hashes)
        if self._tree.root.hex() != found.tree_root:
            raise PipelineError(f"The leaves of {found.name} {found.version} give another root than its manifest has.")

    def present(self, blobs: Iterable[str]) -> list[str]:
        """Those of these blob ids (hex) that it has, sorted."""
        return [self.ids[at * 20 : at * 20 + 20].hex() for at in places(self.ids, _joined(blobs)).present]

    def proof(self, blobs: Iterable[str]) -> Proof:
        """Show for each of these blob ids its leaf, or the two leaves between which it would lie.

        Raises:
            PipelineError: The shards do not hold what the leaves say.
        """
        found = places(self.ids, _joined(blobs))
        indices = sorted({*found.present, *found.beside})
        shown = [self.ids[at * 20 : at * 20 + 20].hex() for at in indices]
        rows = self._rows(shown)
        leaves = []
        for at, blob in zip(indices, shown, strict=True):
            row = bytes.fromhex(blob) + rows.get(blob, b"")
            if merkle.leaf_hash(row) != self._hashes[at * 32 : at * 32 + 32]:
                raise PipelineError(f"A shard of {self.manifest.name} {self.manifest.version} lacks the row of {blob}.")
            leaves.append(row)
        return {
            "root": self._tree.root.hex(),
            "size": self._tree.size,
            "indices": indices,
            "leaves": base64.b64encode(b"".join(leaves)).decode(),
            "nodes": base64.b64encode(self._tree.nodes_beside(indices)).decode(),
        }

    def root_without(self, blobs: Iterable[str]) -> tuple[int, str]:
        """How many leaves are left without these, and the root over them; an empty text where none is."""
        going = set(places(self.ids, _joined(blobs)).present)
        left = b"".join(self._hashes[at * 32 : at * 32 + 32] for at in range(self._tree.size) if at not in going)
        return (len(left) // 32, Tree(left).root.hex()) if left else (0, "")

    def _leaves_of_rows(self) -> pa.Table:
        columns = ["blob_id", "sha256", "published_sha256"]
        try:
            rows = pl.scan_parquet(shard_paths(self.releases, self.manifest)).select(columns).collect()
        except FileNotFoundError as error:
            raise PipelineError(f"A shard of {self.manifest.name} {self.manifest.version} is missing.") from error
        return state.make_leaves(*(rows[name].to_list() for name in columns))

    def _rows(self, blobs: Sequence[str]) -> dict[str, bytes]:
        paths = shard_paths(self.releases, self.manifest)
        wanted = pl.scan_parquet(paths).filter(pl.col("blob_id").is_in(list(blobs)))
        found = wanted.select("blob_id", "sha256", "published_sha256").collect()
        return {blob: source + text for blob, source, text in found.iter_rows()}


def shown_blobs(proof: Proof) -> list[str]:
    """The blob ids of the leaves that a proof shows."""
    data = base64.b64decode(proof["leaves"])
    return [data[at : at + 20].hex() for at in range(0, len(data), 84)]


def shard_paths(releases: Path, found: Manifest) -> list[Path]:
    """The shards of a release."""
    return [shard_path(releases, shard["digest"]) for shard in found.shards]


def _joined(blobs: Iterable[str]) -> bytes:
    return b"".join(bytes.fromhex(blob) for blob in blobs)


def _bytes_of(column: pa.ChunkedArray, width: int) -> bytes:
    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], column.type)
    return bytes(memoryview(array.buffers()[1])[array.offset * width : (array.offset + len(array)) * width])
