"""Archives of packages as a source: real ones, and those that a stranger made to do harm."""

import gzip
import io
import os
import stat
import tarfile
import tempfile
import zipfile
from pathlib import Path

from django.test import SimpleTestCase

from datasets_app.pipeline.corpus import IngestReport, files_table, ingest, read_blob
from datasets_app.pipeline.errors import SourceError
from datasets_app.pipeline.progress import silent
from datasets_app.pipeline.sources.archive_files import Archive, ArchiveLimits, ArchiveRefused
from datasets_app.pipeline.sources.archives import PackageArchives
from tests.pipeline.archives import add, sdist, tar_entry, wheel
from tests.pipeline.git_repos import LFS, MIT


class ArchiveCase(SimpleTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory())).resolve()
        self.corpus, self.given = self.folder / "corpus", self.folder / "given"
        self.given.mkdir()

    def source(self, **options: object) -> PackageArchives:
        return PackageArchives("archives", self.given, **options)  # type: ignore[arg-type]

    def ingest(self, **options: object) -> IngestReport:
        blocks = {name: options.pop(name) for name in list(options) if name.startswith("blocked")}
        return ingest(self.source(**options), self.corpus, **blocks)  # type: ignore[arg-type]

    def rows(self) -> dict[str, dict[str, object]]:
        return {f"{row['repository_key']} {row['path']}": row for row in files_table(self.corpus).to_dicts()}


class Packages(ArchiveCase):
    def test_source_distributions_of_every_kind_become_repositories(self) -> None:
        for ending in (".tar.gz", ".tgz", ".tar.bz2", ".zip"):
            name = f"pkg{ending.replace('.', '')}"
            sdist(self.given / "deep", name, "1.0", {"src/a.py": f"x = '{ending}'\n"}, f"acme/{name}", ending=ending)
        report = self.ingest()
        self.assertEqual((report.files, report.skipped, report.notes), (4, {}, []))
        row = self.rows()["github.com/acme/pkgzip src/a.py"]
        self.assertEqual(
            (row["licence"], row["licence_evidence"], row["rank"]), ("MIT", "metadata: License-Expression", 0)
        )
        self.assertEqual(read_blob(self.corpus, str(row["blob_id"])), b"x = '.zip'\n")

    def test_a_wheel_gives_its_files_without_those_of_the_installer(self) -> None:
        wheel(self.given, "tool", "2.0", {"tool/a.py": "x = 1\n", "tool/a.pyc": "x", "tool.pth": "import tool\n"})
        self.ingest()
        self.assertEqual(set(self.rows()), {"github.com/acme/tool tool/a.py"})

    def test_a_licence_file_speaks_where_the_metadata_does_not(self) -> None:
        sdist(self.given, "one", "1.0", {"LICENSE": MIT, "one.py": "x = 1\n"}, "acme/one", None)
        path = wheel(self.given, "two", "1.0", {"two.py": "y = 1\n", "LICENSE": "none of it"}, "acme/two", None)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("two-1.0.dist-info/licenses/LICENSE", MIT)
        self.ingest()
        for key in ("github.com/acme/one one.py", "github.com/acme/two two.py"):
            self.assertEqual(
                (self.rows()[key]["licence"], self.rows()[key]["licence_evidence"]), ("MIT", "text of LICENSE")
            )

    def test_of_two_releases_the_newer_stands_and_a_source_goes_before_a_wheel(self) -> None:
        for version in ("1.9", "1.10", "1.10rc1", "1.2.post3"):
            sdist(self.given, "tool", version, {"a.py": f"version = '{version}'\n"})
        wheel(self.given, "tool", "1.10", {"tool/a.py": "wheel = 1\n"})
        self.ingest()
        ((key, row),) = self.rows().items()
        self.assertEqual(
            (key, read_blob(self.corpus, str(row["blob_id"]))), ("github.com/acme/tool a.py", b"version = '1.10'\n")
        )
        wheel(self.given, "Tool", "2.0", {"tool/b.py": "wheel = 2\n"})
        self.ingest()
        self.assertEqual(set(self.rows()), {"github.com/acme/tool tool/b.py"})

    def test_all_releases_stand_each_in_its_folder_under_one_key(self) -> None:
        for version in ("1.0", "1.1"):
            sdist(self.given, "tool", version, {"a.py": f"version = '{version}'\n", "same.py": "same = 1\n"})
        wheel(self.given, "tool", "1.1", {"tool/a.py": "wheel = 1\n"})
        report = self.ingest(all_releases=True)
        self.assertEqual((len(report.repositories), report.skipped, report.blobs), (1, {}, 3))
        self.assertEqual(
            {key.partition(" ")[2] for key in self.rows()},
            {"tool-1.0/a.py", "tool-1.0/same.py", "tool-1.1/a.py", "tool-1.1/same.py"},
        )

    def test_packages_of_one_repository_stand_each_in_its_folder(self) -> None:
        sdist(self.given, "stubs", "1.0", {"setup.py": "a = 1\n"}, "acme/mono", "MIT")
        sdist(self.given, "Stubs_Ext", "3.0", {"setup.py": "b = 1\n"}, "Acme/Mono", "GPL-3.0-only")
        report = self.ingest()
        self.assertEqual(
            [(one.repository, one.licence) for one in report.repositories], [("mono", "GPL-3.0-only AND MIT")]
        )
        rows = self.rows()
        self.assertEqual(set(rows), {"github.com/acme/mono stubs/setup.py", "github.com/acme/mono stubs-ext/setup.py"})
        self.assertEqual(rows["github.com/acme/mono stubs/setup.py"]["licence"], "MIT")

    def test_a_package_without_a_repository_or_metadata_stands_under_the_index(self) -> None:
        sdist(self.given, "lonely", "1.0", {"a.py": "x = 1\n"}, None)
        with zipfile.ZipFile(self.given / "bare-0.1.zip", "w") as archive:
            archive.writestr("bare-0.1/b.py", "y = 1\n")
        report = self.ingest()
        rows = self.rows()
        self.assertEqual(set(rows), {"pypi.org/bare/bare b.py", "pypi.org/lonely/lonely a.py"})
        self.assertEqual(rows["pypi.org/lonely/lonely a.py"]["rank"], 1)
        self.assertEqual((rows["pypi.org/bare/bare b.py"]["licence"], len(report.notes)), (None, 2))

    def test_reading_again_adds_only_what_is_new_and_nothing_blocked_comes_back(self) -> None:
        sdist(self.given, "tool", "1.0", {"a.py": "a = 1\n", "b.py": "b = 1\n"})
        sdist(self.given, "other", "1.0", {"c.py": "c = 1\n"}, "bob/other")
        self.assertEqual(self.ingest().new_blobs, 3)
        self.assertEqual(self.ingest().new_blobs, 0)
        sdist(self.given, "tool", "1.1", {"a.py": "a = 1\n", "b.py": "b = 2\n"})
        self.assertEqual(self.ingest().new_blobs, 1)
        blob = str(self.rows()["github.com/acme/tool a.py"]["blob_id"])
        report = self.ingest(blocked_owners=frozenset({"github.com/bob"}), blocked_blobs=frozenset({blob}))
        self.assertEqual((report.skipped, set(self.rows())), ({"opted_out": 2}, {"github.com/acme/tool b.py"}))
        self.assertEqual(
            self.ingest(blocked_repositories=frozenset({"github.com/acme/tool"})).skipped, {"opted_out": 2}
        )

    def test_a_reservation_in_a_package_is_honoured(self) -> None:
        sdist(self.given, "tool", "1.0", {"a.py": "a = 1\n", ".fairstack.toml": "[training]\nreserved = true\n"})
        self.assertEqual(self.ingest().skipped, {"reserved": 2})

    def test_a_folder_without_archives_is_refused(self) -> None:
        with self.assertRaisesMessage(SourceError, "holds no archive"):
            self.ingest()
        with self.assertRaisesMessage(SourceError, "There is no folder"):
            ingest(PackageArchives("archives", self.folder / "nowhere"), self.corpus)
        (self.given / "x-1.0.tar.xz").write_bytes(b"")
        with self.assertRaisesMessage(SourceError, "x-1.0.tar.xz: archives of this kind are not read"):
            self.ingest()


class Malicious(ArchiveCase):
    def test_paths_that_lead_out_links_and_devices_are_refused_one_by_one(self) -> None:
        secret = self.folder / "secret.py"
        secret.write_text("never = 1\n")

        def more(archive: tarfile.TarFile) -> None:
            add(archive, "tool-1.0/../../up.py", "up = 1\n")
            add(archive, "../up.py", "up = 1\n")
            add(archive, "/etc/absolute.py", "absolute = 1\n")
            add(archive, "tool-1.0/a\\b.py", "backslash = 1\n")
            archive.addfile(tar_entry("tool-1.0/link.py", type=tarfile.SYMTYPE, linkname=str(secret)))
            archive.addfile(tar_entry("tool-1.0/hard.py", type=tarfile.LNKTYPE, linkname="../../secret.py"))
            archive.addfile(tar_entry("tool-1.0/pipe.py", type=tarfile.FIFOTYPE))
            archive.addfile(tar_entry("tool-1.0/null.py", type=tarfile.CHRTYPE, devmajor=1, devminor=3))
            add(archive, "tool-1.0/a.py", "second = 1\n")
            add(archive, "tool-1.0/data.py", LFS)

        sdist(self.given, "tool", "1.0", {"a.py": "first = 1\n"}, more=more)
        before = sorted(self.folder.rglob("*"))
        report = self.ingest()
        self.assertEqual(
            report.skipped,
            {"duplicate_path": 1, "lfs_pointer": 1, "not_a_file": 2, "outside": 3, "path_invalid": 1, "symlink": 2},
        )
        ((key, row),) = self.rows().items()
        self.assertEqual(
            (key, read_blob(self.corpus, str(row["blob_id"]))), ("github.com/acme/tool a.py", b"first = 1\n")
        )
        outside = [
            path for path in self.folder.rglob("*") if path not in before and self.corpus not in (path, *path.parents)
        ]
        self.assertEqual(outside, [])

    def test_zips_may_do_no_more(self) -> None:
        path = self.given / "tool-1.0.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("tool-1.0/PKG-INFO", "Name: tool\nHome-page: https://github.com/acme/tool\n\n")
            archive.writestr("tool-1.0/../../up.py", "up = 1\n")
            archive.writestr("/etc/absolute.py", "absolute = 1\n")
            link = zipfile.ZipInfo("tool-1.0/link.py")
            link.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(link, "/etc/passwd")
            archive.writestr("tool-1.0/a.py", "a = 1\n")
            archive.writestr("tool-1.0/broken.py", "broken = 1\n" * 20)
        raw = path.read_bytes()
        path.write_bytes(raw.replace(b"broken = 1\n" * 20, b"xroken = 1\n" * 20))  # its checksum is wrong now
        self.assertEqual(self.ingest().skipped, {"outside": 2, "symlink": 1, "unreadable": 1})
        self.assertEqual(set(self.rows()), {"github.com/acme/tool a.py"})

    def test_bombs_are_refused_as_a_whole_and_the_others_are_read(self) -> None:
        sdist(self.given, "good", "1.0", {"a.py": "a = 1\n"}, "acme/good")
        sdist(self.given, "boom", "1.0", {"zeros.txt": bytes(30 << 20)})
        sdist(self.given, "bang", "1.0", {"zeros.txt": bytes(30 << 20)}, ending=".zip")
        sdist(self.given, "many", "1.0", {f"{n}.py": "x\n" for n in range(50)}, "acme/many")
        report = self.ingest(limits=ArchiveLimits(entries=40))
        self.assertEqual(set(self.rows()), {"github.com/acme/good a.py"})
        self.assertEqual(
            report.notes,
            [
                "bang-1.0.zip: refused, it unpacks to more than an archive of its size may",
                "boom-1.0.tar.gz: refused, it unpacks to more than an archive of its size may",
                "many-1.0.tar.gz: refused, it has more than 40 entries",
            ],
        )

    def test_an_archive_may_weigh_what_it_says_and_no_more_than_is_allowed(self) -> None:
        noise = os.urandom(40_000)
        path = sdist(self.given, "big", "1.0", {"noise.txt": noise})
        with Archive(path, ArchiveLimits(unpacked=100_000)) as archive:
            self.assertEqual(archive.members[-1].read(1 << 20), noise)
        with self.assertRaises(ArchiveRefused):
            Archive(path, ArchiveLimits(unpacked=30_000))

    def test_a_zip_that_lies_about_its_sizes_gives_no_more_than_it_said(self) -> None:
        path = self.given / "liar-1.0.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("liar-1.0/a.py", bytes(20 << 20))
        raw = bytearray(path.read_bytes())
        claimed = (20 << 20).to_bytes(4, "little")
        path.write_bytes(bytes(raw).replace(claimed, (100).to_bytes(4, "little")))
        report = self.ingest()
        self.assertEqual((report.files, report.skipped), (0, {"unreadable": 1}))

    def test_damaged_archives_are_told_and_the_others_are_read(self) -> None:
        sdist(self.given, "good", "1.0", {"a.py": "a = 1\n"}, "acme/good")
        whole = sdist(self.folder, "cut", "1.0", {"noise.txt": os.urandom(40_000)}).read_bytes()
        (self.given / "cut-1.0.tar.gz").write_bytes(whole[: len(whole) // 2])
        (self.given / "text-1.0.zip").write_text("no zip at all")
        with gzip.open(self.given / "noise-1.0.tar.gz", "wb") as file:
            file.write(os.urandom(2000))
        report = self.ingest()
        self.assertEqual(
            [note.partition(":")[0] for note in report.notes], ["cut-1.0.tar.gz", "noise-1.0.tar.gz", "text-1.0.zip"]
        )
        self.assertTrue(all("refused, it is damaged" in note for note in report.notes))
        self.assertEqual(len(self.rows()), 1)

    def test_encrypted_and_sparse_files_are_skipped(self) -> None:
        path = self.given / "tool-1.0.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("tool-1.0/a.py", "a = 1\n")
        raw = path.read_bytes()
        at = raw.index(b"PK\x01\x02") + 8
        path.write_bytes(raw[:6] + b"\x01\x00" + raw[8:at] + b"\x01\x00" + raw[at + 2 :])
        self.assertEqual(self.ingest().skipped, {"unreadable": 1})

    def test_what_is_read_is_gone_from_the_scratch_folder(self) -> None:
        scratch = self.folder / "scratch"
        scratch.mkdir()
        sdist(self.given, "tool", "1.0", {"a.py": "a = 1\n", "noise.txt": os.urandom(6 << 20).hex()})
        seen = []
        for _, files in self.source(scratch=scratch).repositories(silent):
            seen += [file.path for file in files if file.read()]
        self.assertEqual((sorted(seen), list(scratch.iterdir())), (["a.py", "noise.txt"], []))

    def test_a_tar_whose_header_claims_more_than_there_is_is_refused(self) -> None:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            add(archive, "tool-1.0/a.py", "a = 1\n")
            archive.addfile(tar_entry("tool-1.0/huge.py", size=1 << 40))
        (self.given / "tool-1.0.tar.gz").write_bytes(gzip.compress(buffer.getvalue()))
        with self.assertRaisesMessage(SourceError, "tool-1.0.tar.gz: refused, it is damaged"):
            self.ingest()
