"""Licence files: of one text, of several together, and of the packages installed here against what they declare."""

from email.parser import HeaderParser
from pathlib import Path

from django.test import SimpleTestCase
from license_expression import get_spdx_licensing

from datasets_app.pipeline import licence_files, licences
from datasets_app.pipeline.sources.installed import environment_paths
from tests.pipeline.test_licence_headers import APACHE, GPL, LGPL, MIT, MPL

# Packages that requirements/constraints.txt pins: their licence files and License-Expression do not change by themselves.
FIXED = {
    "asgiref": None,
    "attrs": "MIT",
    "celery": None,
    "certifi": None,
    "cryptography": "Apache-2.0 OR BSD-3-Clause",
    "django": "BSD-3-Clause",
    "filelock": None,
    "hypothesis": "MPL-2.0",
    "idna": "BSD-3-Clause",
    "jinja2": None,
    "kombu": None,
    "markupsafe": "BSD-3-Clause",
    "mypy": None,
    "packaging": "Apache-2.0 OR BSD-2-Clause",
    "polars": None,
    "pygments": "BSD-2-Clause",
    "requests": None,
    "ruff": "MIT",
    "typing_extensions": "PSF-2.0",
    "urllib3": "MIT",
}


def texts_of(folder: Path) -> list[tuple[str, str]]:
    found = [*folder.glob("*"), *folder.glob("licenses/*")]
    return [
        (path.name, path.read_text(encoding="utf-8"))
        for path in sorted(found)
        if path.is_file() and licence_files.is_licence_file(path.name)
    ]


class InstalledTest(SimpleTestCase):
    def test_licence_files_of_installed_packages_are_read_as_declared(self) -> None:
        licensing, compared, wrong = get_spdx_licensing(), 0, []
        for root in environment_paths():
            for folder in sorted(root.glob("*.dist-info")):
                fields = HeaderParser().parsestr((folder / "METADATA").read_text(encoding="utf-8"))
                declared = licences.from_expression(str(fields.get("License-Expression") or ""))
                texts = texts_of(folder)
                if declared is None or not texts:
                    continue
                compared += 1
                read = licence_files.of_files(texts)
                either = [text.replace("-or-later", "-only") for text in (declared, read or "")]
                if not read or not licensing.is_equivalent(*either):
                    wrong.append((folder.name, declared, read))
        self.assertGreater(compared, 50)
        self.assertGreaterEqual(1 - len(wrong) / compared, 0.95, wrong)

    def test_well_known_packages_one_by_one(self) -> None:
        seen = 0
        for name, expected in FIXED.items():
            for root in environment_paths():
                for folder in root.glob(f"[{name[0].upper()}{name[0]}]{name[1:]}-*.dist-info"):
                    found = licence_files.of_files(texts_of(folder))
                    self.assertIsNotNone(found, name)
                    if expected:
                        self.assertEqual(found, expected, name)
                    seen += 1
        self.assertGreater(seen, 12)


class NameTest(SimpleTestCase):
    def test_which_files_speak_for_their_folder(self) -> None:
        for name in (
            "LICENSE",
            "LICENCE.txt",
            "license.md",
            "COPYING",
            "COPYING.LESSER",
            "LICENSE-MIT",
            "UNLICENSE",
            "LICENSE.rst",
        ):
            self.assertTrue(licence_files.is_licence_file(name), name)
        for name in (
            "LICENSES",
            "licensing.py",
            "license_utils.py",
            "LICENSE-3rdparty.txt",
            "vendor-LICENSE",
            "README",
            "copying_gc.c",
            "license.py",
            "LICENSE.license",
        ):
            self.assertFalse(licence_files.is_licence_file(name), name)


class TextTest(SimpleTestCase):
    def test_a_notice_stands_for_the_text(self) -> None:
        for text, expected in (
            (APACHE, "Apache-2.0"),
            (MPL, "MPL-2.0"),
            (GPL, "GPL-2.0-or-later"),
            (LGPL, "LGPL-2.1-or-later"),
        ):
            self.assertEqual(licence_files.of_text(f"Copyright 2020 Somebody\n\n{text}\n"), expected)

    def test_what_the_words_before_a_text_name_is_added(self) -> None:
        text = f"This work was derived from the re module,\nlicensed under CNRI's Python 1.6 license.\n\n{MIT}"
        self.assertEqual(licence_files.of_text(text), "CNRI-Python AND MIT")
        self.assertEqual(licence_files.of_text(f"Files:\n* MPL-2.0 2015 of somebody\n\n{MIT}"), "MIT AND MPL-2.0")

    def test_a_choice_that_the_words_before_offer(self) -> None:
        opening = "This is dual-licensed software. It is available under the terms of the MIT license, or the GPL version 2.\n"
        both = f"{opening}\n{MIT}\n"
        self.assertIn("MIT", licence_files.of_text(both) or "")
        self.assertTrue(licences.is_permissive(licence_files.of_text(both)))

    def test_commercial_use_allowed_is_no_restriction(self) -> None:
        allowed = "Anyone may use it for any purpose, commercial or non-commercial.\n\n"
        self.assertEqual(licence_files.of_text(allowed + MIT), "MIT")
        self.assertIsNone(licence_files.of_text("For non-commercial use.\n\n" + MIT))

    def test_near_twins_are_told_apart(self) -> None:
        isc = (
            "Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted, "
            "provided that the above copyright notice and this permission notice appear in all copies.\n\nTHE SOFTWARE IS PROVIDED "
            '"AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF '
            "MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL "
            "DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT, "
            "NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE."
        )
        self.assertEqual(licence_files.of_text(isc), "ISC")
        without = isc.replace(
            ", provided that the above copyright notice and this permission notice appear in all copies", ""
        )
        self.assertEqual(licence_files.of_text(without), "0BSD")
        self.assertEqual(licence_files.of_text(MIT), "MIT")


class FilesTest(SimpleTestCase):
    def test_several_files_are_a_sum(self) -> None:
        self.assertEqual(licence_files.of_files([("LICENSE", MIT), ("COPYING", GPL)]), "GPL-2.0-or-later AND MIT")

    def test_one_that_is_not_recognised_leaves_the_whole_unknown(self) -> None:
        self.assertIsNone(
            licence_files.of_files([("LICENSE", MIT), ("LICENSE.ENTERPRISE", "Ask us for the terms of our licence.")])
        )
        self.assertIsNone(licence_files.of_files([]))

    def test_a_file_that_points_to_others_as_a_choice(self) -> None:
        pointer = "This software is made available under the terms of *either* of the licenses\nfound in LICENSE.APACHE or LICENSE.MIT."
        files = [("LICENSE", pointer), ("LICENSE.APACHE", APACHE), ("LICENSE.MIT", MIT)]
        self.assertEqual(licence_files.of_files(files), "Apache-2.0 OR MIT")
        self.assertIsNone(licence_files.of_files([*files[:2], ("LICENSE.MIT", "nothing that is known")]))

    def test_files_named_for_their_licences_are_a_choice_only_among_permissive_ones(self) -> None:
        self.assertEqual(
            licence_files.of_files([("LICENSE-MIT", MIT), ("LICENSE-APACHE", APACHE)]), "Apache-2.0 OR MIT"
        )
        self.assertEqual(
            licence_files.of_files([("LICENSE-MIT", MIT), ("LICENSE-GPL", GPL)]), "GPL-2.0-or-later AND MIT"
        )

    def test_a_file_named_for_a_part_is_not_the_project_s_own(self) -> None:
        self.assertEqual(licence_files.of_files([("LICENSE", MIT), ("LICENSE.eigen", MPL)]), "MIT")
        self.assertEqual(licence_files.of_files([("LICENSE.eigen", MPL)]), "MPL-2.0")

    def test_companions_are_one_licence(self) -> None:
        lgpl = LGPL.replace("version 2.1", "version 3")
        gpl = GPL.replace("version 2", "version 3")
        self.assertEqual(licence_files.of_files([("COPYING", gpl), ("COPYING.LESSER", lgpl)]), "LGPL-3.0-or-later")
