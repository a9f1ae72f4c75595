"""The removal feed: what it says, who can trust it, and a local copy that follows it."""

import copy
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from unittest import mock

import pyarrow.parquet as pq
from django.core.management import CommandError, call_command
from django.test import LiveServerTestCase, TransactionTestCase
from django.urls import reverse

from core import ledger, signing
from core.jobs import execute_here
from core.models import LedgerEntry
from datasets_app.models import Owner
from datasets_app.pipeline import removal_feed, removals
from datasets_app.services import blocklist, reissues, releases
from portal.models import FeedItem
from portal.receipts import feed
from tests.datasets_app.floor import MARKER
from tests.portal.removing import RemovalMixin


class CopyMixin(RemovalMixin):
    """A release that somebody downloaded before an opt-out."""

    def download(self, release, name="copy"):
        """The files of a release, as its addresses serve them."""
        folder = self.work_folder() / name
        base = f"/releases/{release.name}/{release.version}"
        folder.mkdir()
        manifest = self.fetch(f"{base}/manifest.json")
        (folder / "manifest.json").write_bytes(manifest)
        for shard in json.loads(manifest)["shards"]:
            served = f"data/{shard['language']}/part-{shard['bucket']:05d}.parquet"
            (folder / served).parent.mkdir(parents=True, exist_ok=True)
            (folder / served).write_bytes(self.fetch(f"{base}/{served}"))
        return folder

    def fetch(self, address):
        answer = self.client.get(address)
        self.assertEqual(answer.status_code, 200, address)
        return b"".join(answer.streaming_content)

    def read(self):
        return removal_feed.read_feed(lambda after: json.dumps(feed.page(after)).encode(), signing.fingerprint())

    def texts(self, folder):
        return [text for path in folder.rglob("*.parquet") for text in pq.read_table(path)["content"].to_pylist()]


class TheFeed(CopyMixin, TransactionTestCase):
    def setUp(self):
        super().setUp()
        self.first = self.published()
        self.copy = self.download(self.first)
        self.request = self.receipted()

    def test_it_tells_what_left_a_release_and_names_nobody(self):
        (item,) = self.read()
        self.assertEqual((item["release"]["version"], item["replaced_by"]), ("v1.0", "v1.0+r1"))
        self.assertEqual(item["rows_before"] - item["rows_after"], len(item["blobs"]))
        self.assertGreater(len(item["blobs"]), 0)
        page = self.client.get(reverse("portal:removal-feed"))
        self.assertIn("public", page["Cache-Control"])
        self.assertEqual(
            self.client.get(reverse("portal:removal-feed"), headers={"If-None-Match": page["ETag"]}).status_code, 304
        )
        for shown in (page.content.decode(), self.client.get(reverse("portal:removals")).content.decode()):
            self.assertNotIn("alpha", shown.casefold())
            self.assertNotIn(self.request.reference, shown)
        self.assertEqual(self.client.get(reverse("portal:removal-feed"), {"after": "x"}).status_code, 422)
        entry = LedgerEntry.objects.get(kind=feed.KIND)
        self.assertEqual(entry.body, {"sequence": 1, "digest": FeedItem.objects.get().digest})
        ledger.sequence()
        self.assertGreater(ledger.inclusion(entry).size, 0)

    def test_a_copy_follows_the_feed_and_gives_the_root_that_it_says(self):
        self.assertTrue(any(MARKER.decode() in text for text in self.texts(self.copy)))
        before = len(self.texts(self.copy))
        done = removals.apply(self.read(), self.copy)
        self.assertTrue(done.whole)
        self.assertEqual(before - done.left, done.rows)
        self.assertFalse(any(MARKER.decode() in text for text in self.texts(self.copy)))
        for path in self.copy.rglob("*"):
            self.assertFalse(path.is_file() and MARKER in path.read_bytes(), path)
        again = removals.apply(self.read(), self.copy)
        self.assertEqual((again.items, again.rows, again.left), (0, 0, done.left))

    def test_later_removals_reach_a_copy_of_the_first_release_and_so_does_its_end(self):
        removals.apply(self.read(), self.copy)
        blocklist.add(self.staff, Owner.objects.get(login_folded="beta"), reference="R-2")
        job = execute_here(reissues.honour_now(self.staff))
        self.assertEqual(job.state, "succeeded", job.error)
        done = removals.apply(self.read(), self.copy)
        self.assertEqual((done.withdrawn, done.left), (True, 0))
        self.assertIn("taken back whole", removals.tell(done)[-1])

    def test_a_copy_of_some_files_alone_is_cleared_too_and_not_called_whole(self):
        shutil.rmtree(self.copy / "data" / "C")
        done = removals.apply(self.read(), self.copy)
        self.assertFalse(done.whole)
        self.assertGreater(done.rows, 0)

    def test_a_file_that_was_changed_stops_it_before_anything_is_written(self):
        victim = next((self.copy / "data" / "Python").glob("*.parquet"))
        victim.write_bytes(victim.read_bytes() + b"x")
        with self.assertRaises(removals.CopyDamaged):
            removals.apply(self.read(), self.copy)
        self.assertFalse((self.copy / removals.NOTES).exists())

    def test_a_feed_that_was_changed_cut_or_signed_by_another_is_refused(self):
        releases.withdraw(self.first.issued_again, self.staff, "to have two items")
        self.run_jobs()
        good = feed.page(0)
        self.assertEqual(len(good["items"]), 2)

        def tried(page, fingerprint=""):
            return removal_feed.read_feed(lambda after: json.dumps(page).encode(), fingerprint or signing.fingerprint())

        self.assertEqual(len(tried(good)), 2)
        lies = [
            lambda page: page["items"].pop(),
            lambda page: page["items"].pop(0),
            lambda page: page["items"].insert(0, 7),
            lambda page: page["items"].reverse(),
            lambda page: page["items"][0]["blobs"].pop(),
            lambda page: page["items"][0].update(replaced_by="v2.0"),
            lambda page: page["items"][0].update(extra=1),
            lambda page: page["head"].update(sequence=1),
            lambda page: page["head"].update(digest="00" * 32),
            lambda page: page.update(signature="00" * 64),
            lambda page: page.update(public_key="00" * 32),
            lambda page: page.update(next=0),
            lambda page: page.pop("items"),
        ]
        for number, lie in enumerate(lies):
            page = copy.deepcopy(good)
            lie(page)
            with self.assertRaises(removal_feed.FeedRefused, msg=str(number)):
                tried(page)
        with self.assertRaises(removal_feed.FeedRefused):
            tried(good, "0" * 64)
        self.assertEqual(
            removal_feed.read_feed(lambda after: json.dumps(feed.page(after, 1)).encode(), signing.fingerprint()),
            good["items"],
        )

    def test_an_answer_that_is_cut_off_is_no_feed(self):
        class Cut(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b"{")

            def log_message(self, *said):
                pass

        server = HTTPServer(("127.0.0.1", 0), Cut)
        self.addCleanup(server.server_close)
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        self.addCleanup(thread.join)
        read = removal_feed.pages(f"http://127.0.0.1:{server.server_port}/feed.json")
        with self.assertRaisesRegex(removal_feed.FeedRefused, "cannot be read"):
            removal_feed.read_feed(read, signing.fingerprint())

    def test_the_command_uses_the_sites_own_feed(self):
        call_command("apply_removals", str(self.copy))
        self.assertFalse(any(MARKER.decode() in text for text in self.texts(self.copy)))
        with self.assertRaises(CommandError):
            call_command("apply_removals", str(self.copy), feed="http://127.0.0.1:9/feed.json")
        with self.assertRaises(CommandError):
            call_command("apply_removals", str(self.copy.parent))

    def test_killed_anywhere_it_is_finished_by_running_it_again(self):
        items = self.read()
        for point, number in (("_copy_without", 1), ("_write_notes", 2), ("_check_after", 1)):
            folder = self.work_folder() / "copy"
            shutil.copytree(self.copy, folder)
            real, calls = getattr(removals, point), []

            def dies(*args, real=real, calls=calls, number=number):
                calls.append(1)
                if len(calls) == number:
                    raise KeyboardInterrupt
                return real(*args)

            with mock.patch.object(removals, point, dies), self.assertRaises(KeyboardInterrupt):
                removals.apply(items, folder)
            done = removals.apply(items, folder)
            self.assertTrue(done.whole, point)
            self.assertFalse(any(MARKER.decode() in text for text in self.texts(folder)))


class OverTheAddress(CopyMixin, LiveServerTestCase):
    """The command line without Django, against the real addresses."""

    def test_a_downloader_runs_it_against_the_site_and_a_kill_does_no_harm(self):
        folder = self.download(self.published())
        self.receipted()
        address = self.live_server_url + reverse("portal:removal-feed")
        command = [
            sys.executable, "-m", "datasets_app.pipeline", "apply-removals", address, str(folder), "--fingerprint",
            signing.fingerprint(),
        ]  # fmt: skip
        root = Path(removals.__file__).parents[2]
        killed = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 60
        while not (folder / removals.NOTES).exists() and killed.poll() is None and time.monotonic() < deadline:
            time.sleep(0.001)
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, env={"PATH": os.environ["PATH"]})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertFalse(any(MARKER.decode() in text for text in self.texts(folder)))
        wrong = subprocess.run([*command[:-1], "0" * 64], cwd=root, capture_output=True, text=True)
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("another key", wrong.stderr)
