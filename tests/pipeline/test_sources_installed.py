"""Installed packages as a source: owners, licences, files, and what is wrong with some of them."""

import sys
import tempfile
from pathlib import Path

from django.test import SimpleTestCase

from datasets_app.pipeline.errors import SourceError
from datasets_app.pipeline.progress import silent
from datasets_app.pipeline.sources.base import RepositoryRecord, owner_key, repository_key
from datasets_app.pipeline.sources.installed import InstalledPackages, environment_paths
from datasets_app.pipeline.sources.metadata import find_place, read_package
from tests.pipeline.fakes import FakePackage, make_site_packages


class SourceCase(SimpleTestCase):
    def setUp(self) -> None:
        self.root = Path(self.enterContext(tempfile.TemporaryDirectory())).resolve()

    def read(self, *packages: FakePackage) -> dict[str, tuple[RepositoryRecord, list[str]]]:
        make_site_packages(self.root, packages)
        self.source = InstalledPackages(paths=(self.root,))
        found = [(record, [file.path for file in files]) for record, files in self.source.repositories(silent)]
        self.assertEqual(len({record.repository_key for record, _ in found}), len(found))
        return {record.repository_key: (record, paths) for record, paths in found}


class InstalledPackagesTest(SourceCase):
    def test_a_package_becomes_the_repository_that_its_metadata_names(self) -> None:
        found = self.read(FakePackage("tool", "Acme/Tool", "MIT", {"tool/a.py": "a = 1\n"}))
        record, paths = found["github.com/acme/tool"]
        self.assertEqual((record.forge, record.owner, record.repository), ("github.com", "Acme", "Tool"))
        self.assertEqual(record.owner_key, "github.com/acme")
        self.assertEqual(record.url, "https://github.com/Acme/Tool")
        self.assertEqual((record.licence, record.permissive), ("MIT", True))
        self.assertEqual(record.licence_evidence, "metadata: License-Expression")
        self.assertEqual(paths, ["tool/a.py"])
        self.assertEqual(self.source.notes, [])

    def test_packages_of_one_repository_are_one_and_each_keeps_its_licence(self) -> None:
        make_site_packages(
            self.root,
            [
                FakePackage("stubs", "Acme/stubs", "MIT", {"stubs/a.py": "a = 1\n"}),
                FakePackage("stubs-ext", "acme/Stubs", "GPL-3.0-only", {"stubs_ext/b.py": "b = 1\n"}),
            ],
        )
        ((record, files),) = list(InstalledPackages(paths=(self.root,)).repositories(silent))
        self.assertEqual(record.repository_key, "github.com/acme/stubs")
        self.assertEqual((record.licence, record.permissive), ("GPL-3.0-only AND MIT", False))
        licences = {file.path: file.licence.permissive for file in files if file.licence}
        self.assertEqual(licences, {"stubs/a.py": True, "stubs_ext/b.py": False})

    def test_a_package_that_names_no_repository_stands_under_the_index_and_is_noted(self) -> None:
        found = self.read(FakePackage("lonely", None, "MIT", {"lonely.py": "x = 1\n"}))
        record, _ = found["pypi.org/lonely/lonely"]
        self.assertEqual(record.owner_key, "pypi.org/lonely")
        self.assertEqual(record.url, "https://pypi.org/project/lonely/")
        self.assertTrue(record.permissive)
        self.assertEqual(len(self.source.notes), 1)
        self.assertIn("lonely", self.source.notes[0])

    def test_a_package_without_metadata_is_taken_and_held_out(self) -> None:
        make_site_packages(self.root, [FakePackage("bare", "acme/bare", "MIT", {"bare.py": "x = 1\n"})])
        (self.root / "bare-1.0.dist-info" / "METADATA").unlink()
        found = self.read()
        record, paths = found["pypi.org/bare/bare"]
        self.assertEqual((record.licence, record.permissive, paths), (None, False, ["bare.py"]))
        self.assertIn("no METADATA", self.source.notes[0])

    def test_malformed_metadata_is_taken_for_none(self) -> None:
        for content in (
            b"\x00\xff\xfe" * 50,
            b"Name: ../../etc\nLicense-Expression: MIT\n",
            b"<html>not found</html>",
            b"Name: \nLicense: MIT\n",
        ):
            with self.subTest(content[:20]):
                make_site_packages(self.root, [FakePackage("odd", "acme/odd", "MIT", {"odd.py": "x = 1\n"})])
                (self.root / "odd-1.0.dist-info" / "METADATA").write_bytes(content)
                record, _ = self.read()["pypi.org/odd/odd"]
                self.assertEqual((record.licence, record.permissive), (None, False))
                self.assertIn("malformed", self.source.notes[0])

    def test_a_package_without_record_has_no_files_and_is_noted(self) -> None:
        make_site_packages(self.root, [FakePackage("norecord", "acme/norecord", "MIT", {"n.py": "x = 1\n"})])
        (self.root / "norecord-1.0.dist-info" / "RECORD").unlink()
        _, paths = self.read()["github.com/acme/norecord"]
        self.assertEqual(paths, [])
        self.assertIn("no RECORD", self.source.notes[0])

    def test_a_record_that_is_no_table_is_noted(self) -> None:
        make_site_packages(self.root, [FakePackage("badrecord", "acme/badrecord", "MIT", {"n.py": "x = 1\n"})])
        (self.root / "badrecord-1.0.dist-info" / "RECORD").write_text('"' + "x" * 200_000 + '"\n')
        _, paths = self.read()["github.com/acme/badrecord"]
        self.assertEqual(paths, [])
        self.assertIn("RECORD is malformed", self.source.notes[0])

    def test_compiled_files_and_the_installers_own_are_left_out(self) -> None:
        record = [
            "pkg/__pycache__/a.cpython-311.pyc",
            "pkg/b.pyc",
            "distutils-precedence.pth",
            "pkg/_vendor/x-1.dist-info/METADATA",
        ]
        found = self.read(FakePackage("pkg", "acme/pkg", "MIT", {"pkg/a.py": "a = 1\n"}, record=record))
        self.assertEqual(found["github.com/acme/pkg"][1], ["pkg/a.py"])

    def test_only_what_record_lists_is_a_file(self) -> None:
        make_site_packages(self.root, [FakePackage("pkg", "acme/pkg", "MIT", {"pkg/a.py": "a = 1\n"})])
        (self.root / "pkg" / "stray.py").write_text("stray = 1\n")
        self.assertEqual(self.read()["github.com/acme/pkg"][1], ["pkg/a.py"])

    def test_the_order_is_the_same_each_time_and_files_are_expected(self) -> None:
        make_site_packages(self.root)
        source = InstalledPackages(paths=(self.root,))
        once = [record.repository_key for record, _ in source.repositories(silent)]
        self.assertEqual(once, sorted(once))
        self.assertEqual(once, [record.repository_key for record, _ in source.repositories(silent)])
        self.assertEqual(source.expected_files, 9)

    def test_a_folder_that_is_not_there_is_an_error_that_says_so(self) -> None:
        source = InstalledPackages(paths=(self.root / "nowhere",))
        with self.assertRaisesMessage(SourceError, "nowhere"):
            list(source.repositories(silent))

    def test_reads_this_environment_by_default(self) -> None:
        self.assertEqual(InstalledPackages().paths, environment_paths())
        self.assertTrue(any(str(path) in sys.path for path in environment_paths()))
        records = {record.repository_key: record for record, _ in InstalledPackages().repositories(silent)}
        django = records["github.com/django/django"]
        self.assertEqual((django.owner, django.licence, django.permissive), ("django", "BSD-3-Clause", True))
        self.assertFalse(records["github.com/psycopg/psycopg"].permissive)
        self.assertGreater(len({record.owner_key for record in records.values()}), 24)


class LicenceOfAPackageTest(SourceCase):
    def licence_of(
        self, extra: list[str], files: dict[str, str] | None = None, licence: str | None = None
    ) -> tuple[str | None, str | None]:
        folder = "pkg-1.0.dist-info"
        make_site_packages(
            self.root,
            [
                FakePackage(
                    "pkg", "acme/pkg", licence, {f"{folder}/{k}": v for k, v in (files or {}).items()}, extra=extra
                )
            ],
        )
        found = read_package(self.root, folder).licence
        return found.expression, found.evidence

    def test_the_licence_expression_decides_alone_even_if_it_is_wrong(self) -> None:
        mit = ["Classifier: License :: OSI Approved :: MIT License"]
        self.assertEqual(self.licence_of(mit, licence="Apache-2.0"), ("Apache-2.0", "metadata: License-Expression"))
        self.assertEqual(self.licence_of(mit, licence="Free for all")[0], None)

    def test_then_classifiers_then_the_license_field(self) -> None:
        isc = "License: ISC"
        self.assertEqual(
            self.licence_of([isc, "Classifier: License :: OSI Approved :: MIT License"]),
            ("MIT", "metadata: classifiers"),
        )
        self.assertEqual(self.licence_of([isc]), ("ISC", "metadata: License"))

    def test_a_classifier_without_variant_is_settled_by_what_follows(self) -> None:
        bsd = "Classifier: License :: OSI Approved :: BSD License"
        self.assertEqual(self.licence_of([bsd, "License: BSD-3-Clause"])[0], "BSD-3-Clause")
        self.assertEqual(self.licence_of([bsd, "License: BSD"])[0], None)

    def test_last_the_text_of_licence_files(self) -> None:
        django = next(path for path in environment_paths()[0].glob("[dD]jango-5*.dist-info/**/LICENSE"))
        text = django.read_text()
        self.assertEqual(self.licence_of([], {"licenses/LICENSE": text}), ("BSD-3-Clause", "text of LICENSE"))
        self.assertEqual(self.licence_of([], {"COPYING.txt": text})[0], "BSD-3-Clause")

    def test_a_licence_file_that_is_not_recognised_holds_the_package_out(self) -> None:
        text = next(path for path in environment_paths()[0].glob("[dD]jango-5*.dist-info/**/LICENSE")).read_text()
        unknown = "You may look at this code on Tuesdays, but not copy it, sell it, or tell anyone what it does. " * 5
        self.assertEqual(self.licence_of([], {"LICENSE": text, "LICENSE.commercial": unknown})[0], None)

    def test_licence_files_of_bundled_parts_are_not_the_packages_own(self) -> None:
        text = next(path for path in environment_paths()[0].glob("[dD]jango-5*.dist-info/**/LICENSE")).read_text()
        files = {
            "licenses/LICENSE": text,
            "licenses/vendor/x/LICENSE": "Other terms. " * 50,
            "LICENSES.third-party": "More. " * 50,
        }
        self.assertEqual(self.licence_of([], files)[0], "BSD-3-Clause")

    def test_a_license_field_may_hold_the_whole_text(self) -> None:
        text = next(path for path in environment_paths()[0].glob("[dD]jango-5*.dist-info/**/LICENSE")).read_text()
        folded = "License: " + text.replace("\n", "\n        ")
        self.assertEqual(self.licence_of([folded]), ("BSD-3-Clause", "metadata: text in License"))


class FindPlaceTest(SimpleTestCase):
    def test_the_source_is_surer_than_the_home_page_and_that_than_the_tracker(self) -> None:
        urls = [
            "Changelog, https://github.com/wrong/changes",
            "Documentation, https://github.com/wrong/docs",
            "Homepage, https://github.com/nearly/right",
            "Source Code, https://github.com/quite/right",
        ]
        found = find_place(urls, "")
        assert found
        self.assertEqual(found.owner, "quite")
        found = find_place(urls[:3], "")
        assert found
        self.assertEqual(found.owner, "nearly")

    def test_a_tracker_or_funding_page_will_do_where_nothing_else_is_named(self) -> None:
        found = find_place(
            ["Funding, https://github.com/sponsors/x", "Issues, https://github.com/acme/tool/issues"],
            "https://tool.org",
        )
        assert found
        self.assertEqual((found.owner, found.repository), ("acme", "tool"))

    def test_the_old_home_page_field_counts(self) -> None:
        found = find_place([], "https://github.com/acme/tool")
        assert found
        self.assertEqual(found.url, "https://github.com/acme/tool")
        self.assertIsNone(find_place(["not even a pair"], "UNKNOWN"))


class KeysTest(SimpleTestCase):
    def test_a_numeric_account_is_the_key_where_there_is_one(self) -> None:
        self.assertEqual(owner_key("github.com", "1234", "Acme"), "github.com:1234")
        self.assertEqual(repository_key(owner_key("github.com", None, "ACME"), "Tool"), "github.com/acme/tool")
