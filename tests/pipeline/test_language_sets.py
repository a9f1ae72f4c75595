"""Sets of languages: every name of the published ones is a language that the tables detect."""

from django.test import SimpleTestCase

from datasets_app.pipeline import comment_styles, language_sets, languages


class LanguageSetTest(SimpleTestCase):
    def test_every_language_of_every_set_is_known_and_can_be_detected(self) -> None:
        known = languages.tables()
        reachable = {
            *known.filenames.values(),
            *known.interpreters.values(),
            *(name for candidates in known.extensions.values() for name in candidates),
        }
        for name in language_sets.names():
            for language in language_sets.language_set(name):
                self.assertIn(language, known.types, name)
                self.assertIn(language, reachable, name)

    def test_the_sets_are_as_large_as_published(self) -> None:
        self.assertEqual(len(language_sets.published("starcoder")), 86 + 2)
        self.assertEqual(len(language_sets.published("the_stack")), 370)
        self.assertLess({*language_sets.published("starcoder")}, {*language_sets.published("the_stack")})

    def test_languages_that_linguist_renamed_or_parted_are_all_there(self) -> None:
        stack = language_sets.language_set("the_stack")
        for language in ("TSX", "TypeScript", "Rocq Prover", "Fortran Free Form", "Raku", "Vim script", "VBA", "Maple"):
            self.assertIn(language, stack)
        for gone in ("FORTRAN", "Coq", "Perl6", "VimL", "Visual Basic"):
            self.assertNotIn(gone, stack)

    def test_an_unknown_set_is_refused(self) -> None:
        with self.assertRaisesMessage(ValueError, "there are starcoder, the_stack"):
            language_sets.language_set("gourmet")

    def test_each_language_with_a_comment_style_is_known_and_has_one(self) -> None:
        styled = (*comment_styles.HASH, *comment_styles.SLASH)
        self.assertEqual(len(styled), len(set(styled)))
        self.assertLess({*styled}, {*languages.tables().types})
