"""Windows that stand in removed blobs alone: enough of them, none that another text holds too."""

import tempfile
from pathlib import Path

from django.test import SimpleTestCase
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets_app.pipeline import markers
from datasets_app.pipeline.build import BuildSpec, build
from datasets_app.pipeline.markers import WIDTH, choose, windows_of
from datasets_app.pipeline.needles import Needles
from datasets_app.pipeline.purge import purge_corpus
from datasets_app.pipeline.scan import survey
from datasets_app.tracing.white_space import collapsed
from tests.pipeline.handmade import Entry, entries_of_owners, text, write_corpus
from tests.pipeline.test_build import SMALL

SHARED = b"# A header of more than thirty-two letters that many files share.\n"


class MarkersTest(SimpleTestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.corpus, self.releases = self.folder / "corpus", self.folder / "releases"

    def choose(self, removed, **more):
        return choose(self.corpus, self.releases, {entry.blob_id for entry in removed}, **more)

    def test_windows_stand_in_removed_blobs_and_in_no_other(self):
        stays = [Entry("stays/here", f"{n}.py", SHARED + text(f"s{n}", 4)) for n in range(4)]
        goes = [Entry("goes/away", f"{n}.py", SHARED + text(f"g{n}", 4)) for n in range(3)]
        write_corpus(self.corpus, [*stays, *goes])
        chosen = self.choose(goes)
        self.assertEqual((chosen.blobs, chosen.marked), (3, 3))
        self.assertGreater(len(chosen.windows), 20)
        for window in chosen.windows:
            self.assertEqual(len(window), WIDTH)
            self.assertTrue(any(window in entry.content for entry in goes))
            self.assertFalse(any(window in entry.content for entry in stays))

    def test_a_blob_that_has_nothing_of_its_own_gets_none(self):
        stays = Entry("stays/here", "a.py", SHARED + text("all"))
        goes = Entry("goes/away", "b.py", text("all"))
        write_corpus(self.corpus, [stays, goes, *entries_of_owners(1)])
        chosen = self.choose([goes])
        self.assertEqual((chosen.windows, chosen.blobs, chosen.marked), ([], 1, 0))

    def test_padding_is_no_window(self):
        self.assertEqual(windows_of(b" " * 500 + b"\0" * 500 + b"=-" * 300), set())
        self.assertEqual(windows_of(b"short"), set())

    def test_text_without_spaces_gives_windows_but_for_names_that_are_kept(self):
        address = "https://github.com/Somebody-Or-Other/a-repository-with-a-long-name"
        path = "vendor/github.com/somebody/something/service/s3manager/upload.py"
        digits = "".join(f"{n * 2654435761 % 2**32:08x}" for n in range(40))
        goes = Entry("goes/away", "a.py", f"{address}\n{path}\n{digits}\n".encode())
        write_corpus(self.corpus, [Entry("stays/here", path, text("s")), goes])
        alone = set(self.choose([goes]).windows)
        self.assertTrue(any(window in digits.encode() for window in alone))
        self.assertTrue(any(window in address.encode() for window in alone))
        self.assertFalse(any(window in path.encode() for window in alone))
        kept = set(self.choose([goes], names=[b"", b"x" + address.encode(), digits[:40].encode()]).windows)
        self.assertEqual(
            alone - kept, {window for window in alone if window in address.encode() or window in digits[:40].encode()}
        )
        self.assertTrue(any(window in digits.encode() for window in kept))

    def test_what_stands_in_another_form_of_a_text_that_stays_is_no_window(self):
        goes = Entry("goes/away", "a.py", b"# these words stand in one line here, and in two lines there\n")
        stays = Entry("stays/here", "b.py", goes.content.replace(b" one", b"\n#   one").replace(b" and", b"\n    and"))
        whole = Entry("stays/here", "c.py", b"\xff\xe2" + goes.content.replace(b" ", b"\n  ") + b"\xe2\x80")
        write_corpus(self.corpus, [goes, stays, whole])
        self.assertTrue(self.choose([goes]).windows)
        self.assertEqual(self.choose([goes], forms=[collapsed]).windows, [])

    def test_a_kept_text_with_spaces_takes_no_window_away(self):
        goes = Entry("goes/away", "a.py", b"one line of words that no other file has got at all")
        write_corpus(self.corpus, [Entry("stays/here", "s.py", text("s")), goes])
        self.assertEqual(self.choose([goes], names=[goes.content]).windows, self.choose([goes]).windows)
        self.assertTrue(self.choose([goes]).windows)

    def test_windows_within_lines_are_such_that_json_writes_them_as_they_are(self):
        content = b'"quoted"\t\xc3\xa4\n' * 5 + b"the only long run of plain letters is this one" + b"\n\\\n" * 9
        plain = [window for window in windows_of(content) if window.isascii() and window.decode().isprintable()]
        self.assertTrue(any(b'"' not in window and b"\\" not in window for window in plain))

    def test_texts_that_a_release_lost_in_the_corpus_are_found_there_and_those_that_stay_are_compared(self):
        entries = [*entries_of_owners(3), Entry("stays/here", "a.py", text("stays"))]
        write_corpus(self.corpus, entries)
        made = build(self.corpus, self.releases, BuildSpec("demo", "1.0", SMALL))
        goes = entries[0]
        purge_corpus(self.corpus, {entry.blob_id for entry in entries[:4]})  # the corpus lost owner 0
        self.assertEqual(self.choose([goes]).windows, [])
        self.assertTrue(self.choose([goes], going=[made]).windows)
        twin = Entry("other/one", "t.py", goes.content + b"# more\n")
        known = self.choose([goes], going=[made]).windows
        write_corpus(self.corpus, [twin, Entry("x/y", "z.py", text("z"))], source="second")
        made = build(self.corpus, self.releases, BuildSpec("demo", "1.1", SMALL))
        purge_corpus(self.corpus, {twin.blob_id})
        self.assertEqual(self.choose([goes], known=known, staying=[made]).windows, [])
        self.assertEqual(self.choose([goes], known=known).windows, known)

    def test_what_is_left_is_found_and_after_a_purge_nothing_is(self):
        entries = entries_of_owners(3)
        write_corpus(self.corpus, entries)
        goes = entries[:4]
        chosen = self.choose(goes)
        needles = Needles(chosen.windows)
        self.assertTrue(survey(self.corpus, needles).hits)
        purge_corpus(self.corpus, {entry.blob_id for entry in goes})
        seen = survey(self.corpus, needles)
        self.assertEqual(seen.hits, [])
        self.assertGreater(seen.files, 3)
        self.assertGreater(seen.bytes, 1000)
        left = self.corpus / "left.tmp"
        left.write_bytes(goes[2].content)
        self.assertEqual(survey(self.corpus, needles).hits, [left])
        self.assertEqual(survey(self.corpus, needles, without=[left]).hits, [])
        self.assertEqual(survey(left, needles).hits, [left])

    def test_of_more_blobs_than_windows_some_give_none_and_the_number_is_bounded(self):
        entries = entries_of_owners(10)
        write_corpus(self.corpus, [*entries, Entry("stays/here", "a.py", text("stays"))])
        before = markers.MOST
        self.addCleanup(setattr, markers, "MOST", before)
        markers.MOST = 8
        chosen = self.choose(entries)
        self.assertLessEqual(len(chosen.windows), 2 * 8 + 2)
        self.assertGreater(chosen.marked, 0)

    @settings(max_examples=100, deadline=None)
    @given(st.binary(max_size=400), st.integers(1, 9))
    def test_windows_are_parts_of_their_text_and_not_too_many(self, content, each):
        found = windows_of(content, each)
        self.assertLessEqual(len(found), 2 * each)
        for window in found:
            self.assertIn(window, content)
            self.assertEqual(len(window), WIDTH)
