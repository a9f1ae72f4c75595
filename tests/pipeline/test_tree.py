"""The kernel of the tree gives the roots of the plain implementation, at every size and however the column is cut."""

import hashlib

import pyarrow as pa
from django.test import SimpleTestCase

from datasets_app.pipeline import merkle, tree


class TreeTest(SimpleTestCase):
    def test_roots_are_those_of_hashing_node_by_node(self):
        leaves = [hashlib.sha256(number.to_bytes(4, "big")).digest() for number in range(4200)]
        for size in (0, 1, 2, 3, 63, 64, 65, 66, 67, 127, 128, 129, 130, 255, 1000, 1023, 1025, 4097, 4200):
            column = pa.chunked_array([pa.array(leaves[:size], pa.binary(32))])
            self.assertEqual(tree.root(column), merkle.root(leaves[:size]), f"{size} leaves")

    def test_a_column_may_be_cut_and_may_begin_later(self):
        leaves = [hashlib.sha256(number.to_bytes(4, "big")).digest() for number in range(500)]
        whole = pa.chunked_array([pa.array(part, pa.binary(32)) for part in (leaves[:7], leaves[7:300], leaves[300:])])
        for first in (0, 1, 8, 350):
            self.assertEqual(tree.root(whole.slice(first)), merkle.root(leaves[first:]))
            alone = pa.chunked_array([pa.array(leaves, pa.binary(32)).slice(first)])
            self.assertEqual(tree.root(alone), merkle.root(leaves[first:]))
