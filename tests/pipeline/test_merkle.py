"""The Merkle tree of a release."""

import hashlib

from django.test import SimpleTestCase

from datasets_app.pipeline import merkle


class ReleaseTreeTests(SimpleTestCase):
    def test_a_release_root_does_not_depend_on_the_order_of_rows(self):
        rows = [(hashlib.sha1(bytes([n])).hexdigest(), bytes([n]) * 32, bytes([n]) * 32) for n in range(9)]
        self.assertEqual(merkle.release_root(rows), merkle.release_root(reversed(rows)))
        changed = [(rows[0][0], rows[0][1], b"x" * 32), *rows[1:]]
        self.assertNotEqual(merkle.release_root(rows), merkle.release_root(changed))
