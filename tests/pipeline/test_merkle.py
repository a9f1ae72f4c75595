"""The Merkle tree against the published vectors of RFC 6962, and its proofs at every size."""

import hashlib

from django.test import SimpleTestCase
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasets_app.pipeline import merkle

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
FIRST_OF_EIGHT = (
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
)


class MerkleTest(SimpleTestCase):
    def setUp(self):
        self.hashes = [merkle.leaf_hash(leaf) for leaf in LEAVES]

    def test_roots_are_those_of_the_published_vectors(self):
        for size, root in enumerate(ROOTS):
            self.assertEqual(merkle.root(self.hashes[:size]).hex(), root, f"{size} leaves")

    def test_the_inclusion_proof_is_that_of_the_published_vector(self):
        self.assertEqual(tuple(node.hex() for node in merkle.inclusion_proof(self.hashes, 0)), FIRST_OF_EIGHT)

    @settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.integers(1, 40), st.data())
    def test_every_inclusion_proof_leads_to_the_root_and_no_other_leaf_does(self, size, data):
        hashes = [merkle.leaf_hash(bytes([number])) for number in range(size)]
        index = data.draw(st.integers(0, size - 1))
        proof = merkle.inclusion_proof(hashes, index)
        self.assertEqual(merkle.root_from_inclusion(hashes[index], index, size, proof), merkle.root(hashes))
        other = merkle.leaf_hash(b"another")
        self.assertNotEqual(merkle.root_from_inclusion(other, index, size, proof), merkle.root(hashes))

    def test_proofs_for_leaves_that_are_not_there_are_refused(self):
        with self.assertRaises(IndexError):
            merkle.inclusion_proof(self.hashes, 8)
        with self.assertRaises(ValueError):
            merkle.root_from_inclusion(self.hashes[0], 8, 8, [])

    def test_proofs_of_the_wrong_length_are_refused(self):
        proof = merkle.inclusion_proof(self.hashes, 3)
        for bad in (proof[:-1], [*proof, proof[0]]):
            with self.assertRaises(ValueError):
                merkle.root_from_inclusion(self.hashes[3], 3, 8, bad)

    def test_a_release_root_does_not_depend_on_the_order_of_rows(self):
        rows = [(hashlib.sha1(bytes([n])).hexdigest(), bytes([n]) * 32, bytes([n]) * 32) for n in range(9)]
        self.assertEqual(merkle.release_root(rows), merkle.release_root(reversed(rows)))
        changed = [(rows[0][0], rows[0][1], b"x" * 32), *rows[1:]]
        self.assertNotEqual(merkle.release_root(rows), merkle.release_root(changed))
