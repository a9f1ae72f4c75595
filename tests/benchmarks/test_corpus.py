"""The benchmarks' corpus: archives are unpacked safely, indexes are read in both of their forms, copies are no copies."""

import io
import tarfile
import tempfile
from pathlib import Path
from unittest import TestCase

import numpy as np

from benchmarks import corpus, package_index, quality, scale
from benchmarks.folder_source import FolderSource, moved, owner_of


class UnpackTests(TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def archive(self, members: dict[str, bytes], link: tuple[str, str] | None = None) -> Path:
        path = self.folder / "one-1.0.tar.gz"
        with tarfile.open(path, "w:gz") as tar:
            for name, content in members.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
            if link:
                member = tarfile.TarInfo(link[0])
                member.type, member.linkname = tarfile.SYMTYPE, link[1]
                tar.addfile(member)
        return path

    def test_texts_alone_are_written_below_the_folder_of_the_release(self) -> None:
        members = {
            "one-1.0/src/a.py": "x = 'é'\n".encode(),
            "one-1.0/picture.png": b"\x89PNG\x00",
            "one-1.0/latin.txt": "é".encode("latin-1"),
            "one-1.0/empty.py": b"",
            "one-1.0/large.json": b"0" * (corpus.LARGEST + 1),
        }
        target = self.folder / "one"
        corpus.unpack(self.archive(members, link=("one-1.0/link.py", "/etc/passwd")), target)
        self.assertEqual([path.relative_to(target).as_posix() for path in corpus.files_of(target)], ["src/a.py"])
        self.assertEqual((target / "src/a.py").read_text(), "x = 'é'\n")

    def test_an_archive_that_leads_outside_is_refused_and_leaves_nothing(self) -> None:
        archive = self.archive({"one-1.0/ok.py": b"pass\n", "one-1.0/../../evil.py": b"pass\n"})
        (self.folder / "out").mkdir()
        with self.assertRaises(tarfile.OutsideDestinationError):
            corpus.unpack(archive, self.folder / "out" / "one")
        self.assertFalse((self.folder / "evil.py").exists())
        self.assertFalse((self.folder / "out" / "one").exists())


class ListTests(TestCase):
    def test_the_quick_corpus_is_part_of_the_whole_and_each_release_stands_once(self) -> None:
        whole, quick = corpus.releases(quick=False), corpus.releases(quick=True)
        self.assertLess(set(quick), set(whole))
        self.assertEqual(len({release.name for release in whole}), len(whole))
        self.assertGreaterEqual(len({release.project for release in whole}), 110)
        self.assertTrue(all(len(release.sha256) == 64 for release in whole))


class IndexTests(TestCase):
    def test_both_forms_of_an_index_page_give_the_same_archives(self) -> None:
        base = "https://index.example/simple/one/"
        wanted = package_index.Archive("one-1.0.tar.gz", "https://index.example/files/one-1.0.tar.gz", "ab12")
        as_json = b'{"files": [{"filename": "one-1.0.tar.gz", "url": "../../files/one-1.0.tar.gz", "hashes": {"sha256": "ab12"}}]}'
        as_html = b'<html><body><a href="../../files/one-1.0.tar.gz#sha256=ab12">one-1.0.tar.gz</a></body></html>'
        self.assertEqual(package_index._from_json(as_json, base), [wanted])
        self.assertEqual(package_index._from_html(as_html, base), [wanted])


class FolderSourceTests(TestCase):
    def test_a_copy_has_other_letters_and_the_same_length(self) -> None:
        text = "def Zebra_1(ä):\n    return 'z'\n".encode()
        copy = text.translate(moved(1))
        self.assertEqual(copy.decode(), "efg Afcsb_1(ä):\n    sfuvso 'a'\n")
        self.assertEqual(copy.translate(moved(25)), text)

    def test_releases_of_a_project_have_the_same_owners_and_copies_have_others(self) -> None:
        with tempfile.TemporaryDirectory() as root:
            folders = [Path(root) / "one-1.0", Path(root) / "one-2.0"]
            for folder in folders:
                (folder / "src/a/b/c").mkdir(parents=True)
                (folder / "src/a/b/c/x.py").write_text("x = 1\n")
                (folder / "src/a/b/y.py").write_text("y = 1\n")
                (folder / "z.py").write_text("z = 1\n")
            found = [
                (record.owner, record.repository, [file.path for file in files])
                for record, files in FolderSource(folders, copies=2).repositories(lambda *_: None)
            ]
        by_release: dict[str, set[str]] = {}
        for owner, repository, _paths in found:
            by_release.setdefault(f"{owner[:2]} {repository}", set()).add(owner)
        self.assertEqual(by_release["c0 one-1.0"], by_release["c0 one-2.0"])
        self.assertEqual(len(by_release["c0 one-1.0"]), 2)  # src/a/b with all below it, and the top
        self.assertFalse(by_release["c0 one-1.0"] & by_release["c1 one-1.0"])
        self.assertNotEqual(owner_of("one-1.0", Path("a/x"), 0), owner_of("two-1.0", Path("a/x"), 0))


class FigureTests(TestCase):
    def test_results_that_differ_end_the_benchmark(self) -> None:
        one = np.array([[10.0, 0.5], [3.0, 0.25]])
        quality.same(one, one * (1 + 1e-8), "it")
        with self.assertRaisesRegex(SystemExit, "1 texts"):
            quality.same(one, one + np.array([[0, 0], [1, 0]]), "it")

    def test_memory_goes_on_as_a_line_and_time_as_a_sort(self) -> None:
        runs = {100: {"wall": 0.5, "cpu": 1.0, "peak": 60.0}, 200: {"wall": 1.0, "cpu": 2.0, "peak": 70.0}}
        found = scale.at(400, runs)
        self.assertEqual(found["peak"], 90.0)
        self.assertAlmostEqual(found["cpu"], 2.0 * 2 * np.log2(400) / np.log2(200))
