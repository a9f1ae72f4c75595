"""The Merkle tree of a release: one leaf a row, sorted by blob id, so that absence has a proof too: two adjacent leaves.

The tree itself is ``core.merkle``, the one implementation of RFC 6962; it imports the standard library alone, so that an engine
may use it.
"""

from collections.abc import Iterable

from core.merkle import EMPTY_ROOT, inclusion_proof, leaf_hash, node_hash, root, root_from_inclusion

__all__ = [
    "EMPTY_ROOT",
    "inclusion_proof",
    "leaf_hash",
    "node_hash",
    "release_root",
    "root",
    "root_from_inclusion",
    "row_leaf",
]


def row_leaf(blob_id: str, sha256: bytes, published_sha256: bytes) -> bytes:
    """The leaf hash of a release's row: blob id (20 bytes), SHA-256 of the source, SHA-256 of the published text."""
    return leaf_hash(bytes.fromhex(blob_id) + sha256 + published_sha256)


def release_root(rows: Iterable[tuple[str, bytes, bytes]]) -> bytes:
    """The root over rows of (blob id, SHA-256 of the source, SHA-256 of the published text), in any order."""
    return root([row_leaf(*row) for row in sorted(rows)])
