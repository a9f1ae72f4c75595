"""The Merkle tree of RFC 6962, section 2.1, with SHA-256: roots, proofs of inclusion, proofs of consistency.

The one implementation in this house, used by the ledger and by the trees of releases. It imports the standard library alone.

Proofs come in two forms: over a list of all leaf hashes, and over a *node function*, which gives the hash of any complete subtree. A
store that keeps complete subtrees (``core.tiles``) answers the second in O(log n).
"""

import hashlib
from collections.abc import Callable, Sequence

_sha256 = hashlib.sha256

EMPTY_ROOT = _sha256(b"").digest()

# (height, number) -> hash of the complete subtree over the 2**height leaves from leaf number * 2**height on (32 bytes).
Node = Callable[[int, int], bytes]


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


def range_root(node: Node, start: int, end: int) -> bytes:
    """The hash over the leaves from ``start`` to before ``end``, a range that the RFC's splits lead to (``start`` < ``end``)."""
    size = end - start
    if size & (size - 1) == 0:
        height = size.bit_length() - 1
        return node(height, start >> height)
    middle = start + _split(size)
    return node_hash(range_root(node, start, middle), range_root(node, middle, end))


def tree_root(node: Node, size: int) -> bytes:
    """The root of the tree of the first ``size`` leaves."""
    return range_root(node, 0, size) if size else EMPTY_ROOT


def inclusion_path(node: Node, index: int, size: int) -> list[bytes]:
    """The audit path of leaf ``index`` in the tree of the first ``size`` leaves, from the leaf upwards (RFC 6962, 2.1.1).

    Raises:
        IndexError: There is no such leaf.
    """
    if not 0 <= index < size:
        raise IndexError(f"leaf {index} of a tree of {size}")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(range_root(node, middle, end))
            end = middle
        else:
            path.append(range_root(node, start, middle))
            start = middle
    return path[::-1]


def consistency_path(node: Node, old: int, new: int) -> list[bytes]:
    """The proof that the tree of ``new`` leaves begins with the tree of ``old`` (RFC 6962, 2.1.2). Empty where either is trivial.

    Raises:
        IndexError: ``old`` is greater than ``new``, or negative.
    """
    if not 0 <= old <= new:
        raise IndexError(f"from a tree of {old} to one of {new}")
    if old in (0, new):
        return []
    path: list[bytes] = []
    start, end = 0, new
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(range_root(node, middle, end))
            end = middle
        else:
            path.append(range_root(node, start, middle))
            start = middle
    if start:  # the old tree itself is known to whoever checks; a part of it is not
        path.append(range_root(node, start, end))
    return path[::-1]


def nodes_of(leaf_hashes: Sequence[bytes]) -> Node:
    """A node function over a list of all leaf hashes."""
    return lambda height, number: root(leaf_hashes[number << height : (number + 1) << height])


def inclusion_proof(leaf_hashes: Sequence[bytes], index: int) -> list[bytes]:
    """``inclusion_path`` in the tree over all of ``leaf_hashes``."""
    return inclusion_path(nodes_of(leaf_hashes), index, len(leaf_hashes))


def consistency_proof(leaf_hashes: Sequence[bytes], old: int) -> list[bytes]:
    """``consistency_path`` from the first ``old`` of ``leaf_hashes`` to all of them."""
    return consistency_path(nodes_of(leaf_hashes), old, len(leaf_hashes))


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """The root that an audit path leads to, for the leaf hash at ``index`` in a tree of ``size`` leaves.

    Raises:
        ValueError: The path has the wrong length for this place, or something in it is no hash.
    """
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} of a tree of {size}")
    _check_hashes([leaf, *proof])
    sides = []  # from the root downwards: whether the leaf is on the left
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        sides.append(index < middle)
        start, end = (start, middle) if index < middle else (middle, end)
    if len(proof) != len(sides):
        raise ValueError(f"the path is too {'short' if len(proof) < len(sides) else 'long'}")
    for on_left, other in zip(reversed(sides), proof, strict=True):
        leaf = node_hash(leaf, other) if on_left else node_hash(other, leaf)
    return leaf


def check_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], tree: bytes) -> bool:
    """Whether the audit path shows the leaf hash at ``index`` in the tree of ``size`` leaves whose root is ``tree``."""
    try:
        return root_from_inclusion(leaf, index, size, proof) == tree
    except ValueError:
        return False


def check_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows that the tree of ``new`` leaves with ``new_root`` begins with that of ``old`` with ``old_root``."""
    if not 0 <= old <= new:
        return False
    if old == 0:
        return not proof and old_root == EMPTY_ROOT and (new > 0 or new_root == EMPTY_ROOT)
    if old == new:
        return not proof and old_root == new_root
    try:
        _check_hashes([old_root, new_root, *proof])
    except ValueError:
        return False
    sides = []  # from the root downwards: whether the end of the old tree is on the left
    start, end = 0, new
    while old != end:
        middle = start + _split(end - start)
        sides.append(old <= middle)
        start, end = (start, middle) if old <= middle else (middle, end)
    rest = list(proof)
    if len(rest) != len(sides) + (1 if start else 0):
        return False
    before = after = rest.pop(0) if start else old_root
    for on_left, other in zip(reversed(sides), rest, strict=True):
        if on_left:
            after = node_hash(after, other)
        else:
            before, after = node_hash(other, before), node_hash(other, after)
    return before == old_root and after == new_root


def _check_hashes(hashes: Sequence[bytes]) -> None:
    if any(len(one) != 32 for one in hashes):
        raise ValueError("a hash has to be 32 bytes long")
