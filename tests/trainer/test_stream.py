import itertools
import json
import tempfile
from pathlib import Path

import numpy as np
from django.test import SimpleTestCase
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trainer.releases import write_release, write_tokenizer
from training_jobs.trainer import tokens
from training_jobs.trainer.encoding import Encoding
from training_jobs.trainer.errors import NoText
from training_jobs.trainer.stream import Stream, held_out

END = 0


class StreamTests(SimpleTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        root = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.shards = write_release(root / "shards")
        cls.encoding = Encoding(write_tokenizer(cls.shards, root / "tokenizer"))
        cls.file = tokens.prepare(cls.shards, root / "tokenizer", root / "tokens", max_bytes=120_000)

    def stream(self, documents=None, **changes):
        options = {"lanes": 3, "context": 32, "seed": 7, "fim_rate": 0.5, "spm_rate": 0.5} | changes
        chosen = np.arange(len(self.file)) if documents is None else np.array(documents)
        return Stream(self.file, chosen, self.encoding, **options)

    def read(self, stream, batches):
        """What each lane read, as one row; checks that each sequence begins with the last token of the one before."""
        rows = [stream.next_batch() for _ in range(batches)]
        for before, after in itertools.pairwise(rows):
            np.testing.assert_array_equal(before[:, -1], after[:, 0])
        return np.concatenate([rows[0][:, :1], *[batch[:, 1:] for batch in rows]], axis=1)

    def test_an_epoch_hands_out_every_document_once_with_nothing_between(self):
        sizes = [len(self.file.document(index)) + 1 for index in range(len(self.file))]
        read = self.read(self.stream(lanes=1, fim_rate=0.0), -(-sum(sizes) // 32))[0]
        self.assertEqual(read[0], END)
        epoch = read[1 : sum(sizes) + 1]
        self.assertEqual(epoch[-1], END)
        found = sorted(bytes(np.array(part, dtype=np.uint16)) for part in _split(epoch.tolist()))
        wanted = sorted(bytes(np.asarray(self.file.document(index))) for index in range(len(self.file)))
        self.assertEqual(found, wanted)

    def test_each_lane_reads_whole_documents_of_one_common_order(self):
        shortest = np.argsort(np.diff(self.file.bounds))[:8]
        lanes = self.read(self.stream(shortest, lanes=4, fim_rate=0.0), 200)
        known = {bytes(np.asarray(self.file.document(index), dtype="<u2")) for index in shortest}
        seen = [bytes(np.array(part, dtype="<u2")) for lane in lanes for part in _split(lane[1:].tolist())[:-1]]
        self.assertEqual(set(seen), known)
        self.assertGreater(len(seen), 1.5 * len(known))

    @settings(max_examples=25, deadline=None)
    @given(st.integers(0, 60))
    def test_going_on_from_a_cursor_gives_the_same_tokens(self, batches):
        whole, first = self.stream(), self.stream()
        for _ in range(batches):
            whole.next_batch()
            first.next_batch()
        second = self.stream()
        second.seek(json.loads(json.dumps(first.cursor())))
        for _ in range(20):
            np.testing.assert_array_equal(second.next_batch(), whole.next_batch())
        self.assertEqual(second.cursor(), whole.cursor())

    def test_the_seed_decides_the_order_and_epochs_differ(self):
        def first(seed, skip=0):
            stream = self.stream([0, 1, 2, 3], lanes=1, seed=seed, context=8)
            while stream.epoch < skip:
                stream.next_batch()
            return [stream.next_batch().tolist() for _ in range(30)]

        self.assertEqual(first(1), first(1))
        self.assertNotEqual(first(1), first(2))
        self.assertNotEqual(first(1), first(1, skip=2))

    def test_no_documents_are_refused(self):
        with self.assertRaisesRegex(NoText, "no documents are left"):
            self.stream([])

    def test_the_held_out_share_is_chosen_by_blob_alone(self):
        held = held_out(self.file, 0.3)
        self.assertTrue(0 < held.sum() < len(self.file))
        ids = {self.file.blob_ids[index].tobytes() for index in np.flatnonzero(held)}
        with tempfile.TemporaryDirectory() as folder:
            smaller = tokens.prepare(self.shards, self.encoding.folder, Path(folder), max_bytes=60_000)
            for index, is_held in enumerate(held_out(smaller, 0.3)):
                self.assertEqual(bool(is_held), smaller.blob_ids[index].tobytes() in ids)

    def test_at_least_one_document_is_held_out_where_there_are_two(self):
        self.assertEqual(held_out(self.file, 1e-9).sum(), 1)
        self.assertEqual(held_out(self.file, 0.0).sum(), 0)


def _split(row):
    parts, part = [], []
    for token in row:
        if token == END:
            parts.append(part)
            part = []
        else:
            part.append(token)
    return [*parts, part] if part else parts
