"""Tables of REUSE: which entry speaks for a path, how it stands to what the file says, and what cannot be understood."""

import time

from django.test import SimpleTestCase

from datasets_app.pipeline.file_licences import FileLicences, header
from datasets_app.pipeline.licence_reuse import read
from datasets_app.pipeline.licences import Licence

NOTHING = Licence(None, None, False)
MIT = b"# SPDX-License-Identifier: MIT\n"
TABLE = b"""
version = 1

[[annotations]]
path = "**"
SPDX-License-Identifier = "Apache-2.0"

[[annotations]]
path = ["docs/*.txt", 'we\\*ird.py']
SPDX-License-Identifier = "CC0-1.0"

[[annotations]]
path = "both/**"
precedence = "aggregate"
SPDX-License-Identifier = "GPL-3.0-only"

[[annotations]]
path = "forced/**"
precedence = "override"
SPDX-License-Identifier = "GPL-2.0-only"

[[annotations]]
path = "only-names.py"
SPDX-FileCopyrightText = "someone"
"""


class ReuseTest(SimpleTestCase):
    def licence(self, path, content=b"x = 1\n", **tables):
        spoken = FileLicences()
        for name, text in {"LICENSE": b"", path: content, **tables}.items():
            spoken.see(name, text)
        return spoken.of(path, header(path, content), NOTHING)

    def test_the_last_entry_that_matches_counts(self):
        for path, expected in {
            "a.py": "Apache-2.0",
            "docs/a.txt": "CC0-1.0",
            "docs/deep/a.txt": "Apache-2.0",  # one star crosses no slash
            "we*ird.py": "CC0-1.0",
            "weXird.py": "Apache-2.0",  # a star behind a backslash is a star
            "only-names.py": "Apache-2.0",
        }.items():
            found = self.licence(path, **{"REUSE.toml": TABLE})
            self.assertEqual((found.expression, found.evidence), (expected, "table REUSE.toml"), path)

    def test_a_file_speaks_before_a_table_unless_the_table_adds_or_overrides(self):
        tables = {"REUSE.toml": TABLE}
        self.assertEqual(self.licence("a.py", MIT, **tables).expression, "MIT")
        both = self.licence("both/a.py", MIT, **tables)
        self.assertEqual((both.expression, both.permissive), ("GPL-3.0-only AND MIT", False))
        self.assertEqual(self.licence("forced/a.py", MIT, **tables).expression, "GPL-2.0-only")

    def test_the_nearest_table_counts_and_speaks_below_its_folder_alone(self):
        near = b'version = 1\n[[annotations]]\npath = "*.py"\nSPDX-License-Identifier = "ISC"\n'
        tables = {"REUSE.toml": TABLE, "part/REUSE.toml": near, "forced/REUSE.toml": near}
        self.assertEqual(self.licence("part/a.py", **tables).expression, "ISC")
        self.assertEqual(self.licence("party/a.py", **tables).expression, "Apache-2.0")
        self.assertEqual(self.licence("forced/a.py", **tables).expression, "GPL-2.0-only")

    def test_the_table_of_debian(self):
        dep5 = (
            b"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nCopyright: A\nLicense: MIT\n\n"
            b"Files: data/*\n art/?.svg\nCopyright: B\nLicense: CC0-1.0 or\n BSD-3-Clause\n\nFiles: two/*\nLicense: MIT and ISC\n"
        )
        tables = {".reuse/dep5": dep5}
        self.assertEqual(self.licence("x/y.py", **tables).expression, "MIT")
        self.assertEqual(self.licence("two/a/b.py", **tables).expression, "MIT AND ISC")
        self.assertIsNone(self.licence("data/deep/a.py", **tables).expression)  # "CC0-1.0 or" alone is no expression
        self.assertIsNone(self.licence("art/a.svg", **tables).expression)
        self.assertEqual(self.licence("art/ab.svg", **tables).expression, "MIT")

    def test_a_table_that_is_not_understood_lets_nothing_through(self):
        for text in (
            b"version = 2\n",
            b"not toml",
            b"\xff\xfe",
            b"deep = " + b"[" * 50_000,
            b'version = 1\n[[annotations]]\npath = 3\nSPDX-License-Identifier = "MIT"\n',
            b'version = 1\nannotations = "all"\n',
            b'version = 1\n[[annotations]]\npath = "**"\nprecedence = "mine"\nSPDX-License-Identifier = "MIT"\n',
        ):
            found = self.licence("a.py", MIT, **{"REUSE.toml": text})
            self.assertEqual((found.expression, found.evidence), (None, "not understood: REUSE.toml"), text)
        empty = self.licence("a.py", MIT, **{".reuse/dep5": b"Files: *\nLicense:\n"})
        self.assertEqual(empty.evidence, "not understood: .reuse/dep5")
        unknown = self.licence("a.py", **{"REUSE.toml": TABLE.replace(b'"Apache-2.0"', b'"LicenseRef-of-mine"')})
        self.assertEqual((unknown.expression, unknown.permissive), (None, False))

    def test_stars_of_a_stranger_cost_little(self):
        stars = b'version = 1\n[[annotations]]\npath = "' + b"*a" * 10 + b'"\nSPDX-License-Identifier = "MIT"\n'
        began = time.process_time()
        self.assertIsNone(self.licence("a" * 4000 + "b", **{"REUSE.toml": stars}).expression)
        self.assertEqual(self.licence("a" * 4000, **{"REUSE.toml": stars}).expression, "MIT")
        self.assertLess(time.process_time() - began, 5)

    def test_patterns_beyond_measure_let_nothing_through(self):
        many = b"version = 1\n" + b"".join(
            b'[[annotations]]\npath = "%d/*"\nSPDX-License-Identifier = "MIT"\n' % number for number in range(501)
        )
        long = b'version = 1\n[[annotations]]\npath = "' + b"*a" * 11 + b'"\nSPDX-License-Identifier = "MIT"\n'
        for table in (many, long):
            self.assertEqual(
                self.licence("1/a.py", MIT, **{"REUSE.toml": table}).evidence, "not understood: REUSE.toml"
            )

    def test_plain_paths_may_be_many_and_the_last_word_counts(self):
        lines = [("**", "Apache-2.0"), *((f"f{number}.py", "MIT") for number in range(5000)), ("f7.*", "ISC")]
        table = "version = 1\n" + "".join(
            f'[[annotations]]\npath = "{path}"\nSPDX-License-Identifier = "{licence}"\n' for path, licence in lines
        )
        for path, expected in {"f6.py": "MIT", "f7.py": "ISC", "g.py": "Apache-2.0"}.items():
            self.assertEqual(self.licence(path, **{"REUSE.toml": table.encode()}).expression, expected)

    def test_other_files_are_no_tables(self):
        for path in ("reuse.toml", "dep5", "debian/dep5", "a/.reuse/dep5"):
            self.assertIsNone(read(path, TABLE))
