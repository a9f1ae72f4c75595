"""The Merkle tree against the published vectors of RFC 6962, and against the RFC's definitions written down naively."""

import ast
import hashlib
import inspect
import sys

from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from core import merkle, tiles

# The eight leaves and the roots over their first 0..8, as the reference implementation of RFC 6962 tests them.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
# (leaf, size) -> audit path, and (old, new) -> consistency proof, of the same eight leaves.
INCLUSION = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): INCLUSION[0, 8],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): INCLUSION[1, 5][1:],
}


def hashed(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def naive_root(entries: list[bytes]) -> bytes:
    """MTH of section 2.1, as the RFC writes it."""
    if not entries:
        return hashed()
    if len(entries) == 1:
        return hashed(b"\x00", entries[0])
    k = max(2**power for power in range(20) if 2**power < len(entries))
    return hashed(b"\x01", naive_root(entries[:k]), naive_root(entries[k:]))


def naive_path(m: int, entries: list[bytes]) -> list[bytes]:
    """PATH of section 2.1.1."""
    if len(entries) == 1:
        return []
    k = max(2**power for power in range(20) if 2**power < len(entries))
    if m < k:
        return [*naive_path(m, entries[:k]), naive_root(entries[k:])]
    return [*naive_path(m - k, entries[k:]), naive_root(entries[:k])]


def naive_proof(m: int, entries: list[bytes], whole: bool = True) -> list[bytes]:
    """PROOF and SUBPROOF of section 2.1.2."""
    if m == len(entries):
        return [] if whole else [naive_root(entries)]
    k = max(2**power for power in range(20) if 2**power < len(entries))
    if m <= k:
        return [*naive_proof(m, entries[:k], whole), naive_root(entries[k:])]
    return [*naive_proof(m - k, entries[k:], False), naive_root(entries[:k])]


def stored(hashes: list[bytes]) -> tiles.Fetch:
    """Tiles as a store would keep them, made from leaf hashes without the code under test."""

    def fetch(level: int, index: int, width: int) -> bytes:
        span = 256**level
        first = index * 256 * span
        return b"".join(whole_root(hashes[first + at * span : first + (at + 1) * span]) for at in range(width))

    return fetch


def whole_root(hashes: list[bytes]) -> bytes:
    while len(hashes) > 1:
        hashes = [hashed(b"\x01", left, right) for left, right in zip(hashes[::2], hashes[1::2], strict=True)]
    return hashes[0]


class VectorTests(SimpleTestCase):
    def setUp(self):
        self.hashes = [merkle.leaf_hash(leaf) for leaf in LEAVES]

    def test_roots_are_those_of_the_published_vectors(self):
        for size, root in enumerate(ROOTS):
            self.assertEqual(merkle.root(self.hashes[:size]).hex(), root, f"{size} leaves")

    def test_proofs_are_those_of_the_published_vectors(self):
        for (index, size), path in INCLUSION.items():
            found = merkle.inclusion_proof(self.hashes[:size], index)
            self.assertEqual([node.hex() for node in found], path)
            self.assertTrue(merkle.check_inclusion(self.hashes[index], index, size, found, bytes.fromhex(ROOTS[size])))
        for (old, new), path in CONSISTENCY.items():
            found = merkle.consistency_proof(self.hashes[:new], old)
            self.assertEqual([node.hex() for node in found], path)
            roots = bytes.fromhex(ROOTS[old]), bytes.fromhex(ROOTS[new])
            self.assertTrue(merkle.check_consistency(old, new, *roots, found))

    def test_proofs_for_leaves_and_sizes_that_are_not_there_are_refused(self):
        for wrong in (-1, 8):
            with self.assertRaises(IndexError):
                merkle.inclusion_proof(self.hashes, wrong)
            with self.assertRaises(ValueError):
                merkle.root_from_inclusion(self.hashes[0], wrong, 8, [])
        for wrong in (-1, 9):
            with self.assertRaises(IndexError):
                merkle.consistency_proof(self.hashes, wrong)
            self.assertFalse(merkle.check_consistency(wrong, 8, self.hashes[0], self.hashes[0], []))

    def test_the_empty_tree_begins_every_tree_and_nothing_else_passes_for_it(self):
        root = merkle.root(self.hashes)
        self.assertTrue(merkle.check_consistency(0, 8, merkle.EMPTY_ROOT, root, []))
        self.assertFalse(merkle.check_consistency(0, 8, self.hashes[0], root, []))
        self.assertFalse(merkle.check_consistency(0, 8, merkle.EMPTY_ROOT, root, [root]))
        self.assertFalse(merkle.check_consistency(0, 0, merkle.EMPTY_ROOT, root, []))

    def test_the_module_imports_the_standard_library_alone(self):
        """An engine may import it, and the standalone verifier is written after it: it must not grow roots."""
        for node in ast.walk(ast.parse(inspect.getsource(merkle))):
            names = [node.module] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                self.assertIn((name or "").partition(".")[0], sys.stdlib_module_names)


class RandomTreeTests(SimpleTestCase):
    @given(st.lists(st.binary(max_size=8), max_size=70), st.data())
    def test_roots_and_proofs_are_those_of_the_naive_definitions(self, entries, data):
        hashes = [merkle.leaf_hash(entry) for entry in entries]
        size = len(entries)
        self.assertEqual(merkle.root(hashes), naive_root(entries))
        old = data.draw(st.integers(0, size))
        expected = naive_proof(old, entries) if old else []
        self.assertEqual(merkle.consistency_proof(hashes, old), expected)
        self.assertTrue(merkle.check_consistency(old, size, naive_root(entries[:old]), naive_root(entries), expected))
        if size:
            index = data.draw(st.integers(0, size - 1))
            path = merkle.inclusion_proof(hashes, index)
            self.assertEqual(path, naive_path(index, entries))
            self.assertEqual(merkle.root_from_inclusion(hashes[index], index, size, path), naive_root(entries))

    @given(st.integers(2, 70), st.data())
    def test_whatever_is_changed_in_a_proof_of_inclusion_it_fails(self, size, data):
        hashes = [merkle.leaf_hash(bytes([number])) for number in range(size)]
        root, index = merkle.root(hashes), data.draw(st.integers(0, size - 1))
        path = merkle.inclusion_proof(hashes, index)
        self.assertFalse(merkle.check_inclusion(merkle.leaf_hash(b"another"), index, size, path, root))
        self.assertFalse(merkle.check_inclusion(hashes[index], index, size, path, merkle.leaf_hash(b"another")))
        for bad in self.tampered(path, data):
            self.assertFalse(merkle.check_inclusion(hashes[index], index, size, bad, root))
        other = data.draw(st.integers(0, size - 1).filter(lambda number: number != index))
        self.assertFalse(merkle.check_inclusion(hashes[index], other, size, path, root))

    @given(st.integers(2, 70), st.data())
    def test_whatever_is_changed_in_a_proof_of_consistency_it_fails(self, size, data):
        hashes = [merkle.leaf_hash(bytes([number])) for number in range(size)]
        old = data.draw(st.integers(1, size - 1))
        roots = merkle.root(hashes[:old]), merkle.root(hashes)
        path = merkle.consistency_proof(hashes, old)
        self.assertTrue(merkle.check_consistency(old, size, *roots, path))
        for bad in self.tampered(path, data):
            self.assertFalse(merkle.check_consistency(old, size, *roots, bad))
        forked = [*hashes]
        forked[data.draw(st.integers(0, old - 1))] = merkle.leaf_hash(b"rewritten")
        fork = merkle.root(forked)
        for forged in (path, merkle.consistency_proof(forked, old)):
            self.assertFalse(merkle.check_consistency(old, size, roots[0], fork, forged))

    def tampered(self, path, data):
        """The path with one bit flipped, one hash less, one more, one cut short, or two changed for each other."""
        at = data.draw(st.integers(0, len(path) - 1))
        bit = data.draw(st.integers(0, 255))
        flipped = bytearray(path[at])
        flipped[bit // 8] ^= 1 << bit % 8
        yield [*path[:at], bytes(flipped), *path[at + 1 :]]
        yield [*path[:at], *path[at + 1 :]]
        yield [*path, path[at]]
        yield [*path[:at], path[at][:-1], *path[at + 1 :]]
        if len(path) > 1 and path[0] != path[-1]:
            yield [path[-1], *path[1:-1], path[0]]


class TileTests(SimpleTestCase):
    def test_indexes_are_written_in_groups_of_three(self):
        for index, text in ((0, "000"), (255, "255"), (1000, "x001/000"), (1234067, "x001/x234/067")):
            self.assertEqual((tiles.index_path(index), tiles.parse_index(text)), (text, index))
        for bad in ("0", "0000", "x000/001", "x001/x234", "001/067", "x01/067", "", "٠٠١"):
            with self.assertRaises(ValueError):
                tiles.parse_index(bad)

    def test_widths_are_those_of_the_specification(self):
        size = 70_000  # its example
        self.assertEqual([tiles.width_at(0, index, size) for index in (0, 272, 273, 274)], [256, 256, 112, 0])
        self.assertEqual([tiles.width_at(1, index, size) for index in (0, 1, 2)], [256, 17, 0])
        self.assertEqual([tiles.width_at(2, index, size) for index in (0, 1)], [1, 0])
        self.assertEqual(tiles.width_at(1, 0, 256), 1)

    @given(st.integers(1, 700), st.data())
    def test_roots_and_proofs_over_tiles_are_those_over_all_leaves(self, size, data):
        hashes = [merkle.leaf_hash(number.to_bytes(2, "big")) for number in range(size)]
        tree = tiles.TileTree(size, stored(hashes))
        self.assertEqual(tree.root(), merkle.root(hashes))
        index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size))
        self.assertEqual(tree.inclusion(index), merkle.inclusion_proof(hashes, index))
        self.assertEqual(tree.consistency(old), merkle.consistency_proof(hashes, old))
        self.assertEqual(tree.root(old), merkle.root(hashes[:old]))

    def test_a_proof_in_a_great_tree_needs_few_tiles_and_at_most_log_n_hashes(self):
        size, asked = 10**9 + 12_345, []

        def fetch(level, index, width):
            asked.append((level, index))
            return hashed(bytes(f"{level}/{index}", "ascii")) * width

        tree = tiles.TileTree(size, fetch)
        self.assertLessEqual(len(tree.inclusion(777_777_777)), size.bit_length())
        self.assertLessEqual(len(tree.consistency(123_456_789)), size.bit_length() + 1)
        self.assertLess(len(asked), 16)

    def test_tiles_and_bundles_that_are_cut_are_refused(self):
        with self.assertRaisesMessage(ValueError, "tile/0/000.p/3 has 95 bytes and not 96"):
            tiles.TileTree(3, lambda level, index, width: bytes(width * 32 - 1)).root()
        entries = [b"", b"a", b"x" * 65_535]
        bundle = tiles.write_bundle(entries)
        self.assertEqual(tiles.read_bundle(bundle), entries)
        for cut in (1, 3, len(bundle) - 1):
            with self.assertRaises(ValueError):
                tiles.read_bundle(bundle[:cut])
