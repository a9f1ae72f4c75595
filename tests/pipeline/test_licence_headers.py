"""What a file says of its own licence, and what only looks like it."""

from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from datasets_app.pipeline import licence_headers, licence_notices, licences
from datasets_app.pipeline.licences import Licence

APACHE = """Licensed under the Apache License, Version 2.0 (the "License");
you may not use this file except in compliance with the License.
You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0"""
GPL = """This program is free software; you can redistribute it and/or modify
it under the terms of the GNU General Public License as published by
the Free Software Foundation; either version 2 of the License, or
(at your option) any later version."""
GPL_ONLY = """This program is free software; you can redistribute it and/or modify it under the terms of the GNU General
Public License version 2 as published by the Free Software Foundation."""
LGPL = """This library is free software; you can redistribute it and/or
modify it under the terms of the GNU Lesser General Public
License as published by the Free Software Foundation; either
version 2.1 of the License, or (at your option) any later version."""
MPL = """This Source Code Form is subject to the terms of the Mozilla Public
License, v. 2.0. If a copy of the MPL was not distributed with this
file, You can obtain one at http://mozilla.org/MPL/2.0/."""
MIT = """Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to
whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE,
ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE."""


def comment(text: str, mark: str = "# ") -> bytes:
    """A file that begins with this text as a comment."""
    lines = [f"{mark}Copyright 2020 Somebody", *(f"{mark}{line}".rstrip() for line in text.splitlines())]
    return ("\n".join(lines) + "\n\nx = 1\n").encode()


def block(text: str) -> bytes:
    return (
        "/*\n * Copyright 2020\n" + "".join(f" * {line}\n" for line in text.splitlines()) + " */\nint x;\n"
    ).encode()


class HeaderTest(SimpleTestCase):
    def expression(self, content: bytes) -> str | None:
        found = licence_headers.of_file(content)
        if found is not None:
            self.assertEqual(found.permissive, licences.is_permissive(found.expression))
        return found.expression if found else None

    def test_identifiers_in_the_comments_of_many_languages(self) -> None:
        for line in (
            "# SPDX-License-Identifier: MIT",
            "// SPDX-License-Identifier: MIT",
            "/* SPDX-License-Identifier: MIT */",
            " * SPDX-License-Identifier: MIT",
            "<!-- SPDX-License-Identifier: MIT -->",
            "-- SPDX-License-Identifier: mit",
            "; SPDX-License-Identifier: MIT",
            "{# SPDX-License-Identifier: MIT #}",
            '"""SPDX-License-Identifier: MIT"""',
            "REM SPDX-License-Identifier: MIT",
            "\\ SPDX-License-Identifier: MIT",
        ):
            with self.subTest(line):
                self.assertEqual(self.expression(f"#!/bin/sh\n{line}\nx\n".encode()), "MIT")

    def test_several_identifiers_are_a_sum_and_one_may_be_an_expression(self) -> None:
        both = b"// SPDX-License-Identifier: MIT\n// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause\n"
        self.assertEqual(self.expression(both), "(GPL-2.0-only OR BSD-2-Clause) AND MIT")

    def test_an_identifier_that_is_not_understood_leaves_the_file_without_a_licence(self) -> None:
        found = licence_headers.of_file(b"# SPDX-License-Identifier: LicenseRef-Ours\n")
        self.assertEqual(found, Licence(None, "header: SPDX-License-Identifier is not valid SPDX", False))

    def test_an_identifier_within_other_text_is_none(self) -> None:
        for content in (
            b'print("SPDX-License-Identifier: MIT")\n',
            b'line = "# SPDX-License-Identifier: MIT"\n',
            b"# Write SPDX-License-Identifier: MIT at the top.\n",
        ):
            self.assertIsNone(licence_headers.of_file(content))

    def test_the_well_known_notices(self) -> None:
        for text, expected in (
            (APACHE, "Apache-2.0"),
            (GPL, "GPL-2.0-or-later"),
            (GPL_ONLY, "GPL-2.0-only"),
            (GPL.replace("version 2 ", "version 3 "), "GPL-3.0-or-later"),
            (LGPL, "LGPL-2.1-or-later"),
            (GPL.replace("GNU General", "GNU Affero General").replace("version 2", "version 3"), "AGPL-3.0-or-later"),
            (MPL, "MPL-2.0"),
            (MIT, "MIT"),
            ("This file is licensed under the MIT license found in the LICENSE file.", "MIT"),
            ("Released under the MIT license\nhttps://jquery.org/license", "MIT"),
            ("This project is dual licensed under the MIT license and the Apache License, Version 2.0.", None),
            ("Licensed under either of the Apache License, Version 2.0, or the MIT license at your option.", None),
            ("Licensed under the 3-clause BSD license, see LICENSE.", "BSD-3-Clause"),
            ("Distributed under the Boost Software License, Version 1.0.", "BSL-1.0"),
            (
                "Part of the LLVM Project, under the Apache License v2.0 with LLVM Exceptions.",
                "Apache-2.0 WITH LLVM-exception",
            ),
            ("This is free and unencumbered software released into the public domain.", "Unlicense"),
        ):
            expected = expected or "Apache-2.0 OR MIT"
            for content in (comment(text), comment(text, "// "), comment(text, "-- "), block(text)):
                with self.subTest(text=text[:50], content=content[:3]):
                    self.assertEqual(self.expression(content), expected)

    def test_a_notice_that_leaves_the_variant_open_names_none(self) -> None:
        for text in (
            "Use of this source code is governed by a BSD-style license that can be\nfound in the LICENSE file.",
            "See the LICENSE file for the terms.",
            "Licensed under the GNU General Public License.",
            "This is not about any license at all, it is a remark.",
            "Copyright 2020. All rights reserved.",
        ):
            with self.subTest(text):
                self.assertIsNone(licence_headers.of_file(comment(text)))

    def test_a_notice_that_reserves_the_code_holds_it_out(self) -> None:
        for text in (
            "Unauthorized copying of this file, via any medium, is strictly prohibited.\nProprietary and confidential.",
            "PROPRIETARY AND CONFIDENTIAL. Licensed under the MIT license until 2019.",
        ):
            self.assertEqual(
                licence_headers.of_file(comment(text)), Licence(None, "header: the code is reserved", False)
            )

    def test_marks_of_python_and_javascript(self) -> None:
        self.assertEqual(self.expression(b'import os\n\n__license__ = "BSD 3-Clause"\n'), "BSD-3-Clause")
        self.assertEqual(self.expression(b"/**\n * @license Apache-2.0\n */\n"), "Apache-2.0")
        self.assertIsNone(licence_headers.of_file(b'__license__ = "see LICENSE"\n'))

    def test_what_stands_below_the_first_comment_is_not_looked_at(self) -> None:
        self.assertIsNone(licence_headers.of_file(b"x = 1\n" + comment(GPL)))
        self.assertIsNone(licence_headers.of_file(f'TEMPLATE = """\n{GPL}\n"""\n'.encode()))
        self.assertEqual(
            self.expression(b'#!/usr/bin/env python3\n"""Says.\n\n' + GPL.encode() + b'\n"""\n'), "GPL-2.0-or-later"
        )

    @given(st.binary(max_size=300) | st.text(alphabet="#/*- SPDXLicense:MIT\n\"'", max_size=200).map(str.encode))
    def test_any_bytes_give_a_licence_or_none(self, content: bytes) -> None:
        found = licence_headers.of_file(b"license " + content)
        self.assertTrue(found is None or found.evidence)


class NoticeTest(SimpleTestCase):
    def test_every_licence_that_notices_name_is_an_spdx_id(self) -> None:
        for spdx, _pattern in licence_notices._NAMED:
            self.assertEqual(licences.from_expression(spdx), spdx)
        for family, versions in licence_notices._GNU_VERSIONS.items():
            for version in versions:
                for end in ("only", "or-later"):
                    expected = f"{family}-{version}-{end}"
                    self.assertEqual(licences.from_expression(expected), expected)
