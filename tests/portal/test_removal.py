"""The independent check: what is planted is found wherever it lies, and only what is clean becomes removed."""

import gzip
import hashlib
import json
from pathlib import Path
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq
from django.test import LiveServerTestCase, TransactionTestCase, override_settings

from core import stores
from core.models import AuditEntry, Job
from datasets_app.models import BlockEntry, Release
from datasets_app.pipeline import manifest
from datasets_app.pipeline.errors import PipelineError
from datasets_app.services import blocklist
from portal.models import Notice, OptOutRequest, Receipt, RemovalEvidence, RemovalMarks
from portal.receipts import checker, evidence, reader
from portal.receipts.coverage import Coverage, place_of
from portal.receipts.proofs import ReleaseTree
from portal.services import removal
from tests.datasets_app.floor import MARKER
from tests.portal.removing import RemovalMixin

TEXT = f"ALPHA_MARKER = '{MARKER.decode()}'\n\n\ndef alpha() -> str:\n    return ALPHA_MARKER\n"


class Planted(RemovalMixin, TransactionTestCase):
    """Everything was purged; then something is there after all."""

    def setUp(self):
        super().setUp()
        self.published()
        self.request = self.accepted("Alpha")
        self.purged()
        self.request.refresh_from_db()
        self.assertEqual(self.request.state, "rebuilding")
        self.newest = Release.objects.get(version="v1.1")

    def check(self):
        self.run_jobs("portal.check_removed")
        self.request.refresh_from_db()
        return Job.objects.filter(kind="portal.check_removed").latest("finished_at").result

    def test_nothing_planted_nothing_found(self):
        result = self.check()
        self.assertEqual((result["removed"], result["leftover"]), (1, 0))
        self.assertGreater(result["rows"], 0)
        self.assertEqual(self.request.state, "removed")
        self.assertFalse(RemovalMarks.objects.exists())
        self.assertEqual(self.request.removed["check"]["rows"], result["rows"])
        self.assertTrue(Notice.objects.filter(kind="removed", user=self.request.requester).exists())

    def test_a_leftover_sends_the_request_back_tells_the_staff_and_purges_again_but_not_for_ever(self):
        planted = stores.folder("releases") / self.newest.name / "left.txt"
        planted.write_text(TEXT)
        for round_ in range(1, removal.MOST_ROUNDS + 1):
            self.assertEqual(self.check()["leftover"], 1)
            self.assertEqual(self.request.state, "rebuilding")
            self.assertEqual(self.request.events.filter(kind="leftover").count(), round_)
            waiting = Job.objects.filter(kind="datasets.purge", state="queued")
            self.assertEqual(waiting.count(), int(round_ < removal.MOST_ROUNDS))
            self.run_jobs("datasets.purge")
        self.assertTrue(Notice.objects.filter(kind="leftover", for_staff=True).exists())
        self.assertEqual(removal.find_unfinished()["checks"], 0, "it is the staff's now")
        self.assertTrue(RemovalMarks.objects.exists())

        planted.unlink()
        removal.ask_check([self.request], "by hand")
        self.check()
        self.assertEqual(self.request.state, "removed")
        self.assertFalse(RemovalMarks.objects.exists())

    def test_text_is_found_in_every_kind_of_file_of_every_store(self):
        releases, tokens, zoo = (stores.folder(name) for name in ("releases", "tokens", "zoo"))
        plants = {
            "plain": lambda: (zoo / "left.bin").write_bytes(b"\0" * 4_194_290 + TEXT.encode()),
            "gzip": lambda: (tokens / "left.gz").write_bytes(gzip.compress(TEXT.encode())),
            "zstd": lambda: (tokens / "left.zst").write_bytes(pa.compress(TEXT.encode(), "zstd", asbytes=True)),
            "parquet": lambda: pq.write_table(
                pa.table({"deep": [["x"], [TEXT]], "n": [1, 2]}), releases / "left.parquet", compression="zstd"
            ),
            "no store": lambda: (self.data / "elsewhere").write_text(TEXT),
        }
        for kind, plant in plants.items():
            before = set(self.data.rglob("*"))
            plant()
            report = self.report()
            self.assertEqual(len(report.everywhere), 1, kind)
            for path in set(self.data.rglob("*")) - before:
                path.unlink()
        self.assertEqual(self.report().everywhere, [])

    def report(self, place=None):
        wanted = checker.Wanted([self.request], RemovalMarks.objects.all())
        published = Release.objects.filter(state="published").values_list("name", "version")
        place = place or removal.published_place()
        return checker.check(place, published, wanted, lambda *told: None)

    def plant_row(self, **values):
        """Put a row into a published shard, with digests and manifest that fit: only who reads it can know."""
        root = stores.folder("releases")
        list_of = root / self.newest.name / self.newest.version / "manifest.json"
        listed = json.loads(list_of.read_text())
        entry = next(one for one in listed["shards"] if one["language"] == "Python")
        table = pq.read_table(root / "shards" / entry["digest"][:2] / f"{entry['digest']}.parquet")
        row = table.slice(0, 1).to_pylist()[0] | values
        planted = pa.concat_tables([table, pa.Table.from_pylist([row], schema=table.schema)])
        work = self.work_folder() / "shard"
        pq.write_table(planted, work)
        digest = hashlib.sha256(work.read_bytes()).hexdigest()
        target = root / "shards" / digest[:2] / f"{digest}.parquet"
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(work.read_bytes())
        entry |= {"digest": digest, "rows": len(planted)}
        list_of.write_text(json.dumps(listed))

    def test_a_row_under_the_requesters_name_is_found(self):
        self.plant_row(owner="ALPHA", forge="github.com", content="print('nothing of theirs')\n")
        self.assertEqual(len(self.report().of(self.request)), 1)

    def test_a_row_with_the_requesters_key_is_found(self):
        self.plant_row(owner_key="github.com/alpha", owner="somebody", content="print('nothing of theirs')\n")
        self.assertEqual(len(self.report().of(self.request)), 1)

    def test_a_whole_removed_text_under_another_owner_and_another_id_is_found_without_any_fingerprint(self):
        RemovalMarks.objects.all().delete()
        self.plant_row(content=TEXT)
        found = self.report().of(self.request)
        self.assertTrue(any("under another name" in one for one in found), found)

    def test_an_erased_blob_id_and_a_part_of_an_erased_text_are_found(self):
        self.assertGreater(RemovalEvidence.objects.get(request=self.request).own, 0)
        mark = RemovalMarks.objects.get()
        self.plant_row(blob_id=bytes(mark.blobs[:20]).hex(), content="print(1)\n")
        self.assertTrue(any("a blob that was erased" in one for one in self.report().everywhere))
        self.plant_row(content=f"# copied: {TEXT[5:60]}\n")
        self.assertTrue(any("text of an erased file" in one for one in self.report().everywhere))

    def test_a_published_shard_that_cannot_be_read_as_its_manifest_says_is_no_clean_one(self):
        shard = next((stores.folder("releases") / "shards").rglob("*.parquet"))
        shard.write_bytes(shard.read_bytes()[:-1] + b"X")
        self.assertTrue(self.report().everywhere)
        self.assertEqual(self.check()["leftover"], 1)


class CopiesElsewhere(RemovalMixin, TransactionTestCase):
    """A request that covers the same content under other owners."""

    def test_what_is_blocked_by_content_goes_under_every_owner_and_none_of_it_remains(self):
        self.published()
        request = self.accepted("Alpha")
        shared = "def clamp(value, low, high):\n    return max(low, min(value, high))\n" * 4
        blob = hashlib.sha1(b"blob %d\0%s" % (len(shared), shared.encode())).hexdigest()
        blocklist.add_contents(self.staff, BlockEntry.BLOB, [blob], request.reference)
        OptOutRequest.objects.filter(pk=request.pk).update(block_position=blocklist.position_of(request.reference))
        self.purged()
        self.run_jobs()
        said = json.loads(Receipt.objects.get(request=request).file)["receipt"]
        self.assertEqual(said["remains"]["blobs"], [])
        self.assertEqual(said["removed"]["blobs"], 5)
        taken = RemovalEvidence.objects.get(request=request)
        self.assertEqual(taken.own + taken.ring_a, 5)

    def test_a_copy_that_is_left_under_another_owner_is_found(self):
        wanted = checker.Wanted([], [])
        request = self.accepted("Nobody")
        wanted.requests, text = [request], "print('copied')\n"
        blob = hashlib.sha1(b"blob %d\0%s" % (len(text), text.encode())).hexdigest()
        wanted.covered[request.pk] = Coverage(ring_a=frozenset({blob}))
        wanted.names[request.pk], wanted.held[request.pk], wanted.places[request.pk] = ("f", "x"), set(), set()
        row = dict.fromkeys(reader.COLUMNS, "other") | {"content": text}
        report = checker.Report()
        checker._look_at_rows(pa.RecordBatch.from_pylist([row]), "here", wanted, report)
        self.assertEqual(report.of(request), ["here: a removed file under another name"])

    def test_a_file_in_its_old_place_is_found_and_a_newcomer_of_the_same_name_is_not(self):
        request = self.accepted("Alpha")
        wanted = checker.Wanted([request], [])
        wanted.held[request.pk], wanted.places[request.pk] = {"ab" * 20}, {place_of("somebody/kept", "a.py")}
        row = dict.fromkeys(reader.COLUMNS, "other") | {"blob_id": "ab" * 20, "content": "x", "path": "a.py"}
        for values, found in (
            ({"repository_key": "somebody/kept"}, 1),
            ({"repository_key": "somebody/else"}, 0),
            ({"forge": "github.com", "owner": "Alpha", "owner_key": "github.com:77"}, 0),
            ({"forge": "github.com", "owner": "Alpha", "owner_key": "elsewhere"}, 1),
        ):
            report = checker.Report()
            checker._look_at_rows(pa.RecordBatch.from_pylist([row | values]), "here", wanted, report)
            self.assertEqual(len(report.of(request)), found, values)


class WithoutLeaves(RemovalMixin, TransactionTestCase):
    """Releases whose leaves are missing or damaged: what has to go goes."""

    def test_leaves_that_are_missing_are_made_from_the_rows(self):
        self.published()
        (stores.folder("releases") / "the-stack-demo" / "v1.0" / "leaves.parquet").unlink()
        found = manifest.load(stores.folder("releases"), "the-stack-demo", "v1.0")
        tree = ReleaseTree(stores.folder("releases"), found)
        self.assertEqual(len(tree.ids), found.rows * 20)
        self.assertEqual(tree.proof([])["root"], found.tree_root)

    def test_a_damaged_release_stops_no_erasure_and_is_called_unproven(self):
        self.published()
        request = self.accepted("Alpha")
        with mock.patch.object(evidence, "ReleaseTree", side_effect=PipelineError("damaged")):
            self.purged()
        self.run_jobs()
        said = json.loads(Receipt.objects.get(request=request).file)["receipt"]
        self.assertEqual(said["releases"]["before"], [])
        self.assertEqual(said["unproven"], ["the-stack-demo v1.0"])
        self.assertTrue(AuditEntry.objects.filter(action="find no evidence").exists())


class ByDownloading(RemovalMixin, LiveServerTestCase):
    """The same over the site's own addresses."""

    def test_the_published_bytes_are_read_over_http(self):
        self.published()
        request = self.accepted("Alpha")
        self.purged()
        with override_settings(FAIRSTACK_CHECK_URL=self.live_server_url):
            self.assertIsInstance(removal.published_place(), reader.ServedSite)
            self.run_jobs("portal.check_removed")
        request.refresh_from_db()
        self.assertEqual(request.state, "removed")
        place = reader.ServedSite(self.live_server_url)
        with self.assertRaises(reader.Unreadable):
            reader.parts(place, "the-stack-demo", "v1.0")  # withdrawn: 410
        for part in reader.parts(place, "the-stack-demo", "v1.1"):
            rows = sum(batch.num_rows for batch in reader.rows(place, "the-stack-demo", "v1.1", part))
            self.assertEqual(rows, part.rows)
        self.assertTrue(Path(stores.folder("releases")).exists())
