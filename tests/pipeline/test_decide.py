"""Decisions: each reason, their order, the choice of the origin, copies, holdings and the funnel."""

import base64
import random
import tempfile
from dataclasses import replace
from pathlib import Path

import polars as pl
from django.test import SimpleTestCase

from datasets_app.pipeline import decide
from datasets_app.pipeline.attributes import TEXT
from datasets_app.pipeline.decide import Blocks
from datasets_app.pipeline.holdings import holdings
from datasets_app.pipeline.reasons import NOT_ELIGIBLE, PUBLIC_TEXTS, REASONS, FunnelRow, public_funnel
from datasets_app.pipeline.recipe import Recipe
from datasets_app.pipeline.release_errors import AttributesMissing, EmptyCorpus
from tests.pipeline.handmade import Entry, text, write_corpus, write_files

GOOD = Entry("Ada/engine", "good.py", text("a"))


class Decided(SimpleTestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.corpus = Path(folder.name) / "corpus"

    def decide(self, entries, recipe=None, blocks=None):
        write_corpus(self.corpus, entries)
        return decide.decide(decide.load(self.corpus), recipe or Recipe(), blocks or Blocks()).files

    def reasons(self, entries, recipe=None, blocks=None):
        decided = self.decide(entries, recipe, blocks)
        return {(row["repository_key"], row["path"]): row["reason"] for row in decided.iter_rows(named=True)}


class ReasonTest(Decided):
    def one(self, entry, recipe=None, blocks=None):
        return self.reasons([entry], recipe, blocks)[entry.repository_key, entry.path]

    def test_a_good_file_is_kept(self):
        self.assertEqual(self.one(GOOD), "kept")

    def test_each_filter_gives_its_reason(self):
        long_line = b"value = " + b"a" * 1000 + b"\n"
        long_lines = (b"v = " + b"a" * 120 + b"\n") * 5
        cases = {
            "not_text": replace(GOOD, content=b"\x00\x01" + text("x")),
            "no_licence": replace(GOOD, licence=None, permissive=False),
            "not_permissive": replace(GOOD, licence="GPL-3.0-only", permissive=False),
            "unknown_language": replace(GOOD, language=None),
            "too_small": replace(GOOD, content=b""),
            "too_large": replace(GOOD, content=b"x = 1\n" * 200_000),
            "long_line": replace(GOOD, content=long_line),
            "long_mean_line": replace(GOOD, content=long_lines),
            "few_alphanumeric": replace(GOOD, content=b"!!??--++..,,::;;\n" * 20),
            "few_alphabetic": replace(GOOD, language="JSON", content=b'{"a": [' + b"123456,\n" * 20 + b"1]}\n"),
            "xml": replace(GOOD, content=b'<?xml version="1.0"?>\n' + text("x")),
            "data_too_small": replace(GOOD, language="YAML", content=b"name: small\n"),
            "data_too_large": replace(GOOD, language="JSON", content=b'"abcdefghij"\n' * 500),
        }
        for reason, entry in cases.items():
            with self.subTest(reason):
                self.assertEqual(self.one(entry), reason)

    def test_choices_of_the_recipe_give_their_reason(self):
        cases = {
            "language_not_wanted": (GOOD, Recipe(languages=("C",))),
            "vendored": (replace(GOOD, vendored=True), Recipe(with_vendored=False)),
            "generated": (replace(GOOD, generated=True), Recipe(with_generated=False)),
        }
        for reason, (entry, recipe) in cases.items():
            with self.subTest(reason):
                self.assertEqual(self.one(entry, recipe), reason)
        self.assertEqual(self.one(GOOD, Recipe(languages_without=("Python",))), "language_not_wanted")
        self.assertEqual(self.one(replace(GOOD, vendored=True, generated=True)), "kept")

    def test_rules_on_lexed_text_give_their_reason(self):
        page, script = "<p>" + "word\n" * 30 + "</p>", "<script>" + "f();\n" * 300 + "</script>"
        code = text("c").decode()
        run = base64.b64encode(random.Random(1).randbytes(900)).decode()
        santa = Recipe(comment_share_smallest=0.3, comment_share_largest=0.8)
        for reason, language, content, recipe in (
            ("kept", "HTML", page, Recipe()),
            ("little_text", "HTML", page + script, Recipe()),
            ("little_text", "HTML", "<p>" + "word " * 10 + "</p>", Recipe()),
            ("kept", "HTML", page + script, Recipe(html_languages=())),
            ("kept", "Python", code, santa),
            ("kept", "Java", "int x; // hello\n", santa),
            ("few_comments", "Java", code, santa),
            ("few_comments", "Python", "x = 1\n" * 9, santa),
            ("mostly_comments", "Python", "# all\n" * 9, santa),
            ("kept", "Haskell", "x = 1\n" * 9, santa),
            ("kept", "Python", f"{code}x = '{run[:900]}'\n", Recipe()),
            ("encoded", "Python", f"{code}x = '{run[:900]}'\n", Recipe(encoded_share=0.1)),
            ("encoded", "Python", f"{code}x = '{run[:900]}'\n", Recipe(longest_encoded=899)),
            ("kept", "Python", f"{code}x = '{run[:900]}'\n", Recipe(longest_encoded=900)),
            ("minified", "JavaScript", "a=f(b);" * 9, Recipe(minified_whitespace=0.06)),
            ("kept", "JavaScript", "a = f(b);\n" * 9, Recipe(minified_whitespace=0.06)),
            ("kept", "Python", "a=f(b);" * 9, Recipe(minified_whitespace=0.06)),
        ):
            with self.subTest(reason=reason, language=language, content=content[:20]):
                entry = replace(GOOD, path="a.txt", language=language, content=content.encode())
                self.assertEqual(self.one(entry, recipe), reason)

    def test_data_is_measured_in_characters_and_by_extension(self):
        numbers = b"x1 " + b"123456 " * 30 + b"abc\n"
        for reason, path, language, content in (
            ("data_too_small", "a.yml", "YAML", "k: " + "é" * 40),
            ("kept", "a.yml", "YAML", "k: " + "é" * 47),
            ("kept", "a.json", "JSON", '["' + "é" * 4990 + '"]'),
            ("few_alphabetic", "a.matlab", "MATLAB", numbers.decode()),
            ("few_alphabetic", "a.MATLAB", "MATLAB", numbers.decode()),
            ("kept", "a.m", "MATLAB", numbers.decode()),
        ):
            with self.subTest(reason=reason, path=path):
                entry = replace(GOOD, path=path, language=language, content=content.encode())
                self.assertEqual(self.one(entry), reason)

    def test_exempt_languages_pass_the_rules_on_lines_and_xml(self):
        self.assertEqual(self.one(replace(GOOD, language="Markdown", content=b"word " * 300 + b"\n")), "kept")
        self.assertEqual(
            self.one(replace(GOOD, language="XSLT", content=b'<?xml version="1.0"?>\n' + text("x"))), "kept"
        )

    def test_the_block_list_comes_before_every_filter(self):
        bad = replace(GOOD, licence=None, permissive=False, content=b"\x00", sole_author="a" * 64)
        cases = {
            "blocked_owner": Blocks(owners=frozenset({GOOD.owner_key})),
            "blocked_repository": Blocks(repositories=frozenset({GOOD.repository_key})),
            "blocked_blob": Blocks(blobs=frozenset({bad.blob_id})),
            "blocked_author": Blocks(authors=frozenset({"a" * 64})),
        }
        for reason, blocks in cases.items():
            with self.subTest(reason):
                self.assertEqual(self.one(bad, blocks=blocks), reason)

    def test_the_first_reason_in_the_order_of_the_table_is_given(self):
        both = replace(GOOD, language=None, licence=None, permissive=False)
        self.assertEqual(self.one(both), "no_licence")

    def test_every_reason_of_the_table_can_be_given(self):
        checked = set(
            decide._checks(Recipe(with_vendored=False, with_generated=False), Blocks(authors=frozenset({"a"})))
        )
        later = {"other_version", "exact_copy", "near_duplicate", "origin_left", "kept"}
        self.assertEqual(REASONS.keys() - checked, later)


class OriginTest(Decided):
    def setUp(self):
        super().setUp()
        shared = text("shared")
        self.best = Entry("Zoe/fork", "z.py", shared, rank=1)
        self.second = Entry("Ada/engine", "a.py", shared, rank=2)
        self.third = Entry("Ada/engine", "b.py", shared, rank=2)
        self.closed = Entry("Eve/closed", "e.py", shared, licence=None, permissive=False, rank=0)
        self.all = [self.third, self.closed, self.second, self.best]

    def kept(self, decided):
        return [
            (row["repository_key"], row["path"], row["copies"])
            for row in decided.filter(pl.col("reason") == "kept").iter_rows(named=True)
        ]

    def test_the_best_ranked_file_that_passed_is_the_origin_and_the_others_are_counted(self):
        self.assertEqual(self.kept(self.decide(self.all)), [("github.com/zoe/fork", "z.py", 3)])

    def test_when_the_origin_is_blocked_the_next_best_takes_its_place(self):
        decided = self.decide(self.all, blocks=Blocks(owners=frozenset({self.best.owner_key})))
        self.assertEqual(self.kept(decided), [("github.com/ada/engine", "a.py", 2)])

    def test_ties_in_rank_end_in_repository_and_path(self):
        decided = self.decide([self.third, self.second])
        self.assertEqual(self.kept(decided), [("github.com/ada/engine", "a.py", 1)])

    def test_a_blocked_blob_has_no_heir(self):
        decided = self.decide([*self.all, GOOD], blocks=Blocks(blobs=frozenset({self.best.blob_id})))
        self.assertEqual(self.kept(decided), [("github.com/ada/engine", "good.py", 0)])
        self.assertEqual(decided.filter(pl.col("reason") == "blocked_blob")["copies"].null_count(), 4)

    def test_every_file_has_exactly_one_reason_and_the_funnel_counts_them_all(self):
        decided = self.decide([*self.all, GOOD], blocks=Blocks(owners=frozenset({GOOD.owner_key})))
        self.assertEqual(decided["reason"].null_count(), 0)
        self.assertEqual(len(decided), 5)
        funnel = decide.funnel(decided)
        self.assertEqual(
            {row["reason"]: row["files"] for row in funnel}, {"blocked_owner": 3, "no_licence": 1, "kept": 1}
        )
        self.assertEqual(sum(row["bytes"] for row in funnel), decided["size"].sum())

    def test_holdings_count_origins_and_copies_but_nothing_that_is_blocked(self):
        decided = self.decide([*self.all, GOOD], blocks=Blocks(owners=frozenset({self.best.owner_key})))
        held = {row["repository_key"]: row for row in holdings(decided).to_pylist()}
        self.assertEqual(held.keys(), {"github.com/ada/engine", "github.com/eve/closed"})
        ada, eve = held["github.com/ada/engine"], held["github.com/eve/closed"]
        self.assertEqual((ada["files"], ada["copies"]), (2, 1))
        self.assertEqual((eve["files"], eve["copies"], eve["bytes"], eve["licence"]), (0, 1, 0, None))
        self.assertEqual((ada["owner"], ada["licences"], ada["languages"]), ("Ada", ["MIT"], ["Python"]))

    def test_languages_and_licences_of_a_repository_come_commonest_first(self):
        entries = [
            replace(GOOD, path=f"{number}.x", content=text(f"n{number}"), language=language, licence=licence)
            for number, (language, licence) in enumerate(
                [("C", "MIT"), ("C", "ISC"), ("Ada", "ISC"), ("Python", "ISC")]
            )
        ]
        (held,) = holdings(self.decide(entries)).to_pylist()
        self.assertEqual(held["languages"], ["C", "Ada", "Python"])
        self.assertEqual((held["licence"], held["licences"]), ("ISC", ["ISC", "MIT"]))


class LoadTest(Decided):
    def test_a_corpus_without_files_is_empty(self):
        for make in (lambda: None, lambda: write_files(self.corpus, [])):
            make()
            with self.assertRaisesMessage(EmptyCorpus, str(self.corpus)) as caught:
                decide.load(self.corpus)
            self.assertEqual(caught.exception.funnel, [])

    def test_blobs_without_attributes_are_told(self):
        write_files(self.corpus, [GOOD])
        with self.assertRaisesMessage(AttributesMissing, "1 files"):
            decide.load(self.corpus)
        write_corpus(self.corpus, [GOOD])
        write_files(self.corpus, [GOOD, replace(GOOD, path="new.py", content=b"new = 1\n")])
        with self.assertRaisesMessage(AttributesMissing, "1 files"):
            decide.load(self.corpus)

    def test_a_file_that_two_sources_hold_counts_once_and_another_version_of_it_has_its_reason(self):
        changed = replace(GOOD, content=text("changed"), rank=5)
        write_corpus(self.corpus, [GOOD, changed])
        write_files(self.corpus, [GOOD], "one")
        write_files(self.corpus, [GOOD], "two")
        write_files(self.corpus, [changed], "handmade")
        decided = decide.decide(decide.load(self.corpus), Recipe(), Blocks()).files
        self.assertEqual(sorted(decided["reason"]), ["kept", "other_version"])
        self.assertEqual(decided.filter(pl.col("reason") == "kept")["blob_id"].to_list(), [GOOD.blob_id])

    def test_temporary_files_are_not_read(self):
        write_corpus(self.corpus, [GOOD])
        for folder in ("files", f"attributes/{TEXT.folder}"):
            (self.corpus / folder / ".tmp-x.parquet").write_bytes(b"half")
        self.assertEqual(len(decide.load(self.corpus)), 1)

    def test_attributes_that_stand_twice_after_a_cut_off_purge_count_once(self):
        write_corpus(self.corpus, [GOOD], blob_files=1)
        (path,) = TEXT.tables(self.corpus)
        path.with_name("f" * 64 + ".parquet").write_bytes(path.read_bytes())
        self.assertEqual(len(decide.load(self.corpus)), 1)


class PublicFunnelTest(SimpleTestCase):
    def test_blocked_files_share_a_bucket_with_files_left_out_for_technical_causes(self):
        rows = [
            FunnelRow(reason=reason, files=1, bytes=10)
            for reason in ("blocked_owner", "blocked_blob", "not_text", "kept")
        ]
        self.assertEqual(
            public_funnel(rows),
            [{"reason": NOT_ELIGIBLE, "files": 3, "bytes": 30}, {"reason": "kept", "files": 1, "bytes": 10}],
        )

    def test_no_public_text_or_bucket_speaks_of_blocking(self):
        self.assertEqual({reason.public for reason in REASONS.values()}, PUBLIC_TEXTS.keys())
        for key, said in PUBLIC_TEXTS.items():
            self.assertNotRegex(f"{key} {said}", "block|opt")

    def test_an_unknown_reason_is_refused(self):
        with self.assertRaisesMessage(KeyError, "no such reasons: whim"):
            public_funnel([FunnelRow(reason="whim", files=1, bytes=1)])
