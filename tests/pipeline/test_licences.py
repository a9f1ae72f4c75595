"""SPDX expressions, names, classifiers and texts: which licence it is, and whether it is permissive."""

from pathlib import Path

from django.test import SimpleTestCase
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets_app.pipeline import licence_texts, licences
from datasets_app.pipeline.sources.installed import environment_paths

PERMISSIVE = ["MIT", "BSD-3-Clause", "Apache-2.0", "ISC"]
OTHER = ["GPL-3.0-only", "LGPL-2.1-or-later", "MPL-2.0", "CC-BY-SA-4.0"]


class PermissiveTest(SimpleTestCase):
    def test_one_licence_is_permissive_if_the_table_has_it(self) -> None:
        for licence in (
            *PERMISSIVE,
            "BSD-2-Clause",
            "0BSD",
            "Unlicense",
            "Zlib",
            "BSL-1.0",
            "PSF-2.0",
            "Python-2.0",
            "CC0-1.0",
        ):
            self.assertTrue(licences.is_permissive(licence), licence)
        for licence in (*OTHER, "AGPL-3.0-only", "SSPL-1.0", "BUSL-1.1", "EPL-2.0", "EUPL-1.2"):
            self.assertFalse(licences.is_permissive(licence), licence)

    def test_nothing_recognised_is_not_permissive(self) -> None:
        self.assertFalse(licences.is_permissive(None))
        self.assertFalse(licences.is_permissive(""))

    def test_a_choice_needs_one_and_a_sum_needs_all(self) -> None:
        self.assertTrue(licences.is_permissive("GPL-3.0-only OR MIT"))
        self.assertFalse(licences.is_permissive("GPL-3.0-only AND MIT"))
        self.assertTrue(licences.is_permissive("(GPL-2.0-only OR MIT) AND (ISC OR MPL-2.0)"))
        self.assertFalse(licences.is_permissive("(GPL-2.0-only OR MIT) AND MPL-2.0"))

    def test_an_exception_does_not_change_what_the_licence_is(self) -> None:
        self.assertTrue(licences.is_permissive("Apache-2.0 WITH LLVM-exception"))
        self.assertFalse(licences.is_permissive("GPL-2.0-only WITH Classpath-exception-2.0"))

    @settings(deadline=None, max_examples=200)
    @given(
        st.recursive(
            st.sampled_from(PERMISSIVE + OTHER).map(lambda name: (name, name in PERMISSIVE)),
            lambda inner: st.tuples(st.sampled_from(["AND", "OR"]), inner, inner).map(
                lambda made: (
                    f"({made[1][0]}) {made[0]} ({made[2][0]})",
                    (made[1][1] and made[2][1]) if made[0] == "AND" else (made[1][1] or made[2][1]),
                )
            ),
            max_leaves=6,
        )
    )
    def test_the_meaning_of_and_and_or_holds_however_deep(self, made: tuple[str, bool]) -> None:
        expression, expected = made
        self.assertEqual(licences.is_permissive(licences.from_expression(expression)), expected, expression)

    def test_the_table_is_the_whole_list_of_the_blue_oak_council(self) -> None:
        self.assertEqual(len(licences.permissive_ids()), 224)


class ExpressionTest(SimpleTestCase):
    def test_spelling_is_made_canonical(self) -> None:
        self.assertEqual(licences.from_expression("mit or (gpl-3.0-only and isc)"), "MIT OR (GPL-3.0-only AND ISC)")

    def test_what_is_no_expression_or_names_no_licence_is_none(self) -> None:
        for text in (
            "",
            "   ",
            "Foo",
            "MIT AND",
            "(MIT",
            "MIT/X11",
            "BSD",
            "MIT OR Proprietary",
            "Apache-2.0 WITH MIT",
            "see LICENSE",
            "()",
            "(" * 3000,
            "MIT OR " * 3000 + "MIT",
        ):
            with self.subTest(text):
                self.assertIsNone(licences.from_expression(text))

    @settings(deadline=None, max_examples=300)
    @given(
        st.text(max_size=60)
        | st.lists(st.sampled_from(["MIT", "AND", "OR", "WITH", "(", ")", "+", "x"]), max_size=8).map(" ".join)
    )
    def test_no_text_breaks_the_reading(self, text: str) -> None:
        for found in (licences.from_expression(text), licences.from_name(text)):
            if found is not None:
                self.assertEqual(licences.from_expression(found), found)


class NameTest(SimpleTestCase):
    def test_common_names(self) -> None:
        for name, expected in {
            "MIT": "MIT",
            "The MIT License (MIT)": "MIT",
            "MIT licence": "MIT",
            "New BSD": "BSD-3-Clause",
            "BSD (3-clause)": "BSD-3-Clause",
            "BSD 2-Clause License": "BSD-2-Clause",
            "Apache License, Version 2.0": "Apache-2.0",
            "Apache License v2.0": "Apache-2.0",
            "Apache 2": "Apache-2.0",
            "MPLv2.0": "MPL-2.0",
            "GPLv3": "GPL-3.0-only",
            "ISC License": "ISC",
            "MIT OR Apache-2.0": "MIT OR Apache-2.0",
        }.items():
            with self.subTest(name):
                self.assertEqual(licences.from_name(name), expected)

    def test_names_of_no_certain_licence(self) -> None:
        for name in ("BSD", "Dual License", "Other/Proprietary License", "UNKNOWN", "", "MIT " * 100):
            with self.subTest(name):
                self.assertIsNone(licences.from_name(name))

    def test_every_name_and_classifier_of_the_tables_gives_a_licence(self) -> None:
        table = licences._names()
        for expression in {*table["names"].values(), *table["classifiers"].values()}:
            self.assertEqual(licences.from_expression(expression), expression)


class ClassifierTest(SimpleTestCase):
    def test_several_are_a_sum(self) -> None:
        mit, mpl = (
            "License :: OSI Approved :: MIT License",
            "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)",
        )
        self.assertEqual(licences.from_classifiers(["Topic :: Software Development", mit]), "MIT")
        self.assertEqual(licences.from_classifiers([mpl, mit, mit]), "MIT AND MPL-2.0")

    def test_one_without_variant_leaves_the_licence_open(self) -> None:
        mit, bsd = "License :: OSI Approved :: MIT License", "License :: OSI Approved :: BSD License"
        self.assertIsNone(licences.from_classifiers([bsd]))
        self.assertIsNone(licences.from_classifiers([mit, bsd]))
        self.assertIsNone(licences.from_classifiers(["License :: Other/Proprietary License"]))
        self.assertIsNone(licences.from_classifiers([]))

    def test_the_mere_approval_says_nothing(self) -> None:
        self.assertIsNone(licences.from_classifiers(["License :: OSI Approved"]))


class CombineTest(SimpleTestCase):
    def test_choices_stay_choices_within_a_sum(self) -> None:
        self.assertEqual(licences.combine(["MIT OR GPL-3.0-only", "ISC"]), "ISC AND (MIT OR GPL-3.0-only)")
        self.assertEqual(licences.combine(["ISC", "ISC"]), "ISC")
        self.assertIsNone(licences.combine([]))


class TextTest(SimpleTestCase):
    def text_of(self, package: str) -> str:
        found = [
            path
            for path in environment_paths()[0].glob(f"{package}-*.dist-info/**/LICENSE*")
            if path.suffix in ("", ".txt")
        ]
        self.assertEqual(len(found), 1, package)
        return found[0].read_text(encoding="utf-8")

    def test_recognises_real_licence_files(self) -> None:
        for package, expected in {
            "polars": "MIT",
            "numba": "BSD-2-Clause",
            "kombu": "BSD-3-Clause",
            "accelerate": "Apache-2.0",
            "hypothesis": "MPL-2.0",
        }.items():
            with self.subTest(package):
                self.assertEqual(licence_texts.match(self.text_of(package)), expected)

    def test_a_licence_is_known_by_its_opening_whatever_is_appended(self) -> None:
        text = self.text_of("numba") + "\n\nThis distribution bundles other software:\n\n" + self.text_of("hypothesis")
        self.assertEqual(licence_texts.match(text), "BSD-2-Clause")

    def test_a_changed_or_cut_licence_is_not_recognised(self) -> None:
        text = self.text_of("polars")
        self.assertIsNone(licence_texts.match(text[: len(text) // 2]))
        self.assertIsNone(licence_texts.match("No permission is granted to anyone for anything. " * 30))
        self.assertIsNone(licence_texts.match("MIT"))
        self.assertIsNone(licence_texts.match(""))

    def test_layout_case_and_holder_make_no_difference(self) -> None:
        text = self.text_of("polars")
        other = "Copyright (c) 2031 Somebody Else\n" + " ".join(text.upper().split("\n\n", 1)[1].split())
        self.assertEqual(licence_texts.match(other), "MIT")

    def test_a_restriction_however_short_is_noticed(self) -> None:
        text = self.text_of("polars")
        for restriction in (
            "The Software is provided under the Commons Clause.",
            "Use is granted for non-commercial projects.",
            "This software is for academic use only.",
        ):
            with self.subTest(restriction):
                self.assertIsNone(licence_texts.match(restriction + "\n\n" + text))
                self.assertIsNone(licence_texts.match(text + "\n\n" + restriction))
        evil = text.replace("THE SOFTWARE IS", "The Software shall be used for Good, not Evil.\n\nTHE SOFTWARE IS")
        self.assertIsNone(licence_texts.match(evil))

    def test_a_long_condition_in_the_middle_is_noticed(self) -> None:
        condition = (
            "Redistribution requires that the name of the original author is shown on the first page of any product. A copy of each "
            "product has to be sent to the address below within ten days. Whoever fails to do so forgets all about it and pays a fee."
        )
        text = self.text_of("numba")
        changed = text.replace("Redistributions in binary", condition + " Redistributions in binary")
        self.assertNotEqual(changed, text)
        self.assertIsNone(licence_texts.match(changed))

    def test_fingerprints_survive_the_data_file(self) -> None:
        made = licence_texts.fingerprint(self.text_of("hypothesis"))
        self.assertEqual(licence_texts.Fingerprint.from_json(made.to_json()), made)
        self.assertGreater(made.keep, 1)
        self.assertLess(len(made.hashes), 2 * licence_texts.MOST_HASHES)
        self.assertLess(Path(licence_texts.DATA).stat().st_size, 200_000)

    def test_all_known_licences_are_spdx_ids(self) -> None:
        for spdx in licence_texts.known():
            self.assertEqual(licences.from_expression(spdx), spdx)
