"""The Merkle tree of RFC 6962, section 2.1, with SHA-256: roots and proofs of inclusion.

A release's tree has one leaf a row, sorted by blob id, so that absence has a proof too: two adjacent leaves.
"""

import hashlib
from collections.abc import Iterable, Sequence

_sha256 = hashlib.sha256

EMPTY_ROOT = _sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf: SHA-256 over 0x00 and the data (32 bytes)."""
    return _sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256 over 0x01 and both children (32 bytes)."""
    return _sha256(b"\x01" + left + right).digest()


def root(leaf_hashes: Sequence[bytes]) -> bytes:
    """The root over leaf hashes in their order; the hash of nothing for an empty tree."""
    level = list(leaf_hashes)
    if not level:
        return EMPTY_ROOT
    # An odd last node goes up unchanged, level by level. This gives the same tree as the RFC's split at the largest power of two.
    while len(level) > 1:
        above = [_sha256(b"\x01" + left + right).digest() for left, right in zip(level[::2], level[1::2], strict=False)]
        if len(level) % 2:
            above.append(level[-1])
        level = above
    return level[0]


def _split(size: int) -> int:
    """The largest power of two smaller than ``size`` (``size`` >= 2)."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion_proof(leaf_hashes: Sequence[bytes], index: int) -> list[bytes]:
    """The audit path of leaf ``index``, from the leaf upwards (RFC 6962, 2.1.1).

    Raises:
        IndexError: There is no such leaf.
    """
    size = len(leaf_hashes)
    if not 0 <= index < size:
        raise IndexError(f"leaf {index} of a tree of {size}")
    if size == 1:
        return []
    split = _split(size)
    if index < split:
        return [*inclusion_proof(leaf_hashes[:split], index), root(leaf_hashes[split:])]
    return [*inclusion_proof(leaf_hashes[split:], index - split), root(leaf_hashes[:split])]


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """The root that an audit path leads to, for the leaf hash at ``index`` in a tree of ``size`` leaves.

    Raises:
        ValueError: The path has the wrong length for this place.
    """
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} of a tree of {size}")
    if size == 1:
        if proof:
            raise ValueError("the path is too long")
        return leaf
    if not proof:
        raise ValueError("the path is too short")
    split = _split(size)
    if index < split:
        return node_hash(root_from_inclusion(leaf, index, split, proof[:-1]), proof[-1])
    return node_hash(proof[-1], root_from_inclusion(leaf, index - split, size - split, proof[:-1]))


def row_leaf(blob_id: str, sha256: bytes, published_sha256: bytes) -> bytes:
    """The leaf hash of a release's row: blob id (20 bytes), SHA-256 of the source, SHA-256 of the published text."""
    return leaf_hash(bytes.fromhex(blob_id) + sha256 + published_sha256)


def release_root(rows: Iterable[tuple[str, bytes, bytes]]) -> bytes:
    """The root over rows of (blob id, SHA-256 of the source, SHA-256 of the published text), in any order."""
    return root([row_leaf(*row) for row in sorted(rows)])
