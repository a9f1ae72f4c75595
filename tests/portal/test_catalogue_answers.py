"""What is understood of a question to the catalogue, and what an index made by hand answers."""

from django.test import SimpleTestCase

from core.errors import InvalidInput
from portal import catalogue
from portal.catalogue import engine
from portal.catalogue.question import LONGEST, parse
from tests.portal.test_catalogue import entry


class Questions(SimpleTestCase):
    def test_operators_and_wildcards_are_no_operators(self):
        for text in ("*", "-", '""', "^.+$", ":::", "-:-", "*?~^[](){}", "\ud800", "\u202e", "\0", "the of"):
            with self.subTest(text=text), self.assertRaises(InvalidInput):
                parse(text)
        self.assertEqual([part.words for part in parse("py* OR [submarine").parts], [("py",), ("submarine",)])

    def test_what_is_wrong_is_said(self):
        for text, said in (
            ("x" * (LONGEST + 1), "at most 400 characters"),
            ("x" * 1_000_000, "at most 400 characters"),
            ("a b " * 50, "at most 16"),
            ("kind:", "Say what after “kind:”"),
            ("kind:zebra", "There is no kind “zebra”. There are: release, model"),
            ("the", "“the” stand almost everywhere"),
            ("!!", "There is no word in it"),
        ):
            with self.subTest(text=text[:20]), self.assertRaisesMessage(InvalidInput, said):
                parse(text)

    def test_fields_phrases_and_minus_are_understood(self):
        asked = parse('Kind:Models license:"apache 2" -lang:go "near copies" -draft title:card foo:x')
        self.assertEqual(
            [(one.field, one.value, one.minus) for one in asked.filters],
            [("kind", "model", False), ("licence", "apache 2", False), ("language", "go", True)],
        )
        self.assertEqual(
            [(part.words, part.phrase, part.title, part.minus) for part in asked.parts][:3],
            [
                (("near", "copies"), True, False, False),
                (("draft",), False, False, True),
                (("card",), False, True, False),
            ],
        )
        self.assertEqual(asked.unknown, ("foo",))

    def test_only_a_plain_name_is_looked_up_among_accounts(self):
        names = {
            "django": "django",
            "django/dja": "django/dja",
            "owner:django model": "django",
            "https://github.com/django": "https://github.com/django",
            '"django"': "",
            "a b": "",
        }
        for text, name in names.items():
            self.assertEqual(parse(text).name, name, text)
        self.assertEqual(parse("django", {"kind": "model"}).name, "")


class Answers(SimpleTestCase):
    """From an index made by hand."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        made = [
            entry(1, "A house near the river.", licences=("MIT",), languages=("Python", "Go")),
            entry(2, "A river house; nearby.", licences=("Apache-2.0",), languages=("Go",)),
            entry(3, "Nothing of both.", kind="model", title="org/river-coder", licences=("MIT",), owner="org"),
            *[entry(number, "plentiful", kind="run", releases=("demo v1.0",)) for number in range(10, 35)],
        ]
        cls.files, _ = engine.write({}, made)
        cls.opened = engine.Opened(cls.files)

    def ask(self, text, page=1, **chosen):
        return catalogue.answer(self.opened, parse(text, chosen), page, set)

    def ids(self, text, **chosen):
        return {hit.entry.id.removeprefix("document:") for hit in self.ask(text, **chosen).hits}

    def test_words_phrases_fields_and_what_is_left_out(self):
        for text, found in (
            ("house river", {"1", "2"}),
            ("HOUSES", {"1", "2"}),
            ('"river house"', {"2"}),
            ('"house river"', set()),
            ('"near the river"', {"1"}),
            ("river -house", {"3"}),
            ("river -nearby", {"1", "3"}),
            ("licence:mit", {"1", "3"}),
            ("license:apache river", {"2"}),
            ("language:go -language:python", {"2"}),
            ("kind:models", {"3"}),
            ("owner:org", {"3"}),
            ("title:river", {"3"}),
            ("release:v9", set()),
        ):
            with self.subTest(text=text):
                self.assertEqual(self.ids(text), found)

    def test_a_word_in_the_title_comes_first(self):
        self.assertEqual(self.ask("river").hits[0].entry.title, "org/river-coder")

    def test_facets_count_what_would_be_found(self):
        facets = self.ask("river").facets
        self.assertEqual({(one.name, one.count) for one in facets["licence"]}, {("MIT", 2), ("Apache-2.0", 1)})
        chosen = self.ask("river", licence="mit")
        self.assertEqual(chosen.count, 2)
        self.assertEqual({(one.name, one.count, one.chosen) for one in chosen.facets["licence"]},
                         {("MIT", 2, True), ("Apache-2.0", 1, False)})  # fmt: skip
        self.assertEqual({(one.name, one.count) for one in chosen.facets["language"]}, {("Python", 1), ("Go", 1)})

    def test_pages_and_counts_are_exact(self):
        pages = [self.ask("plentiful", page) for page in (1, 2, 3, 99)]
        self.assertEqual(
            [(len(one.hits), one.page, one.count) for one in pages], [(10, 1, 25), (10, 2, 25), (5, 3, 25), (5, 3, 25)]
        )
        self.assertEqual(len({hit.entry.id for one in pages[:3] for hit in one.hits}), 25)

    def test_near_spellings_keep_fields_and_phrases(self):
        for text, meant in (
            ("rivre", "river"),
            ('kind:model rivre -house "near the rivre"', 'kind:model river -house "near the river"'),
            ("river language:pyton", "river language:python"),
            ("river", ""),
            ("qqqqqqqqqq", ""),
        ):
            with self.subTest(text=text):
                self.assertEqual(self.ask(text).meant, meant)

    def test_marks_what_was_found_in_title_and_text(self):
        hit = self.ask("coder rivers").hits[0]
        self.assertEqual([piece.text for piece in hit.title if piece.found], ["river", "coder"])
        hit = self.ask("houses -nearby").hits[0]
        self.assertEqual([piece.text for piece in hit.excerpt if piece.found], ["house"])

    def test_changes_leave_the_rest_and_the_old_index(self):
        files, _ = engine.write(self.files, [entry(1, "A tower.")], ["document:2"])
        changed = engine.Opened(files)
        for text, count in (("tower", 1), ("house", 0), ("river", 1), ("language:python", 0)):
            self.assertEqual(catalogue.answer(changed, parse(text), 1, set).count, count, text)
        self.assertEqual(self.ask("house").count, 2)
