"""What a purge leaves of trace indexes: they hold texts as they are, so that nothing of a removed one may stay in a file."""

import shutil
import threading
from pathlib import Path
from unittest.mock import patch

from core import stores
from core.stores import Store
from datasets_app import shard_indexes
from datasets_app.tracer.indexes import VERBATIM
from datasets_app.tracer.service import trace
from datasets_app.tracing.shard_index import ShardIndex
from tests.tracer.base import BETA, LONG, TracedRelease, index


def nothing(*args: object, **kwargs: object) -> None:
    """Progress that nobody follows."""


class Erasing(TracedRelease):
    def store(self) -> Store:
        return next(store for store in stores.all_stores() if store.name == "indexes")

    def tearDown(self) -> None:
        index()  # the folder is that of the class

    def test_after_a_purge_no_file_holds_the_text_in_either_form(self):
        blob = next(one.blob_id for span in trace(BETA).spans for one in span.sources if one.owner == "beta")

        class Wanted:
            blob_ids = frozenset({blob})

        piece = "class Beta:\n    def step_0(value_0):\n        return"
        markers = (piece.encode(), " ".join(piece.split()).encode())
        held = [path for path in VERBATIM.folder.rglob("*.trace") if any(one in path.read_bytes() for one in markers)]
        self.assertTrue(all(any(one in path.read_bytes() for path in held) for one in markers))
        self.assertEqual(self.store().scan(Wanted(), nothing), [str(path) for path in held])
        self.store().purge({blob}, nothing)
        for path in (self.data / "var" / "indexes").rglob("*"):
            self.assertFalse(path.is_file() and any(one in path.read_bytes() for one in markers), path)
        self.assertEqual(self.store().scan(Wanted(), nothing), [])
        self.assertEqual(shard_indexes.missing(VERBATIM)[0], [path.stem for path in held])

    def test_a_process_that_traced_keeps_no_deleted_index_on_the_disk(self):
        def mapped() -> list[str]:
            lines = Path("/proc/self/maps").read_text().splitlines()
            return [line for line in lines if ".trace" in line and str(self.data) in line]

        trace(BETA)
        self.assertTrue(mapped())
        shutil.rmtree(VERBATIM.folder)
        self.assertTrue(all(line.endswith("(deleted)") for line in mapped()))
        with patch.object(shard_indexes.time, "sleep", side_effect=[None, SystemExit]), self.assertRaises(SystemExit):
            shard_indexes._let_go_by_the_clock()
        self.assertEqual(mapped(), [])
        watching = [thread for thread in threading.enumerate() if thread.name == "deleted indexes"]
        self.assertEqual(len(watching), 1)

    def test_an_index_that_is_gone_or_damaged_is_made_anew_and_the_answer_says_so_meanwhile(self):
        before = trace(LONG).spans
        shutil.rmtree(VERBATIM.folder)
        found = trace(LONG)
        self.assertEqual((found.spans, found.unready), ([], found.shards))
        index()
        self.assertEqual(trace(LONG).spans, before)
        for path in VERBATIM.folder.rglob("*.trace"):
            path.write_bytes(path.read_bytes()[:100])
        self.assertEqual(trace(LONG).unready, found.shards)
        index()
        self.assertEqual(trace(LONG).spans, before)

    def test_an_index_names_whose_code_it_holds_so_that_the_blocked_are_found_in_it(self):
        owners = set()
        for path in VERBATIM.folder.rglob("*.trace"):
            owners |= ShardIndex.open(path).named()[0]
        self.assertEqual(len([key for key in owners if key.endswith("alpha")]), 1)
