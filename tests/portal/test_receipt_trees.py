"""Proofs about many leaves at once, against the plain tree of RFC 6962."""

import base64
import hashlib

from django.test import SimpleTestCase
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets_app.pipeline import merkle
from portal.receipts import verify_receipt
from portal.receipts.fingerprints import WIDTH, Fingerprints, new_multiplier
from portal.receipts.trees import Tree, places

ids = st.lists(st.binary(min_size=20, max_size=20), min_size=1, max_size=70, unique=True).map(sorted)


def rows_of(blobs):
    return [blob + hashlib.sha256(blob).digest() + hashlib.sha256(b"published" + blob).digest() for blob in blobs]


def proof_of(blobs, asked):
    """What a receipt holds of these blob ids."""
    rows = rows_of(blobs)
    tree = Tree(b"".join(merkle.leaf_hash(row) for row in rows))
    found = places(b"".join(blobs), b"".join(asked))
    shown = sorted({*found.present, *found.beside})
    return {
        "root": tree.root.hex(),
        "size": tree.size,
        "indices": shown,
        "leaves": base64.b64encode(b"".join(rows[at] for at in shown)).decode(),
        "nodes": base64.b64encode(tree.nodes_beside(shown)).decode(),
    }


class Trees(SimpleTestCase):
    @given(ids)
    def test_the_root_is_that_of_the_plain_tree(self, blobs):
        leaves = [merkle.leaf_hash(blob) for blob in blobs]
        self.assertEqual(Tree(b"".join(leaves)).root, merkle.root(leaves))

    @settings(deadline=None)
    @given(ids, st.data())
    def test_what_is_there_is_shown_and_what_is_not_is_shown_to_be_absent(self, blobs, data):
        asked = data.draw(st.lists(st.one_of(st.sampled_from(blobs), st.binary(min_size=20, max_size=20)), min_size=1))
        proof = proof_of(blobs, asked)
        indices, shown = verify_receipt.read_tree(proof)
        for one in asked:
            there = one in blobs
            self.assertEqual(one.hex() in shown, there)
            self.assertEqual(verify_receipt.is_absent(one.hex(), indices, shown, proof["size"]), not there)

    @settings(deadline=None)
    @given(ids, st.data())
    def test_no_blob_that_is_there_can_be_shown_to_be_absent(self, blobs, data):
        victim = data.draw(st.sampled_from(blobs))
        others = [blob for blob in blobs if blob != victim]
        if not others:
            return
        # The neighbours, shown without the leaf between them: what a site would have to do.
        proof = proof_of(blobs, data.draw(st.lists(st.sampled_from(others), min_size=1)))
        indices, shown = verify_receipt.read_tree(proof)
        self.assertFalse(verify_receipt.is_absent(victim.hex(), indices, shown, proof["size"]))

    @settings(deadline=None)
    @given(ids, st.data())
    def test_a_changed_byte_of_a_proof_is_noticed(self, blobs, data):
        proof = proof_of(blobs, [data.draw(st.sampled_from(blobs))])
        part = data.draw(st.sampled_from([name for name in ("leaves", "nodes") if proof[name]]))
        raw = bytearray(base64.b64decode(proof[part]))
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
        with self.assertRaises(verify_receipt.Failed):
            verify_receipt.read_tree({**proof, part: base64.b64encode(bytes(raw)).decode()})

    def test_shared_nodes_keep_a_large_proof_small(self):
        blobs = sorted(hashlib.sha1(b"%d" % at).digest() for at in range(4096))
        many = proof_of(blobs, blobs[::8])
        alone = sum(len(base64.b64decode(proof_of(blobs, [blob])["nodes"])) for blob in blobs[::8])
        self.assertLess(len(base64.b64decode(many["nodes"])), alone / 3)


class Marks(SimpleTestCase):
    """Text is found again by fingerprints alone."""

    def test_a_window_is_found_wherever_it_stands_and_nothing_else_is(self):
        multiplier = new_multiplier()
        windows = [hashlib.sha256(b"w%d" % at).digest() for at in range(50)]
        marks = Fingerprints(multiplier, Fingerprints(multiplier).of(windows))
        noise = b"".join(hashlib.sha256(b"n%d" % at).digest() for at in range(100_000))
        self.assertFalse(marks.within(noise))
        for at, window in ((0, windows[0]), (1_048_570, windows[7]), (len(noise) - WIDTH, windows[49])):
            self.assertTrue(marks.within(noise[:at] + window + noise[at + WIDTH :]), at)
        self.assertFalse(marks.within(windows[3][:-1]))
        self.assertFalse(Fingerprints(multiplier).within(noise))
        self.assertNotIn(windows[0][:8], marks.values.tobytes())
