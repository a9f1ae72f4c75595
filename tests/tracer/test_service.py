"""What a trace answers: all that stands in published releases, with its sources, and nothing of what is hidden."""

from unittest.mock import patch

from core.errors import InvalidInput, TooMany
from datasets_app.models import BlockEntry, Release, Repository
from datasets_app.services import blocklist, masks
from datasets_app.tracer import service
from datasets_app.tracer.service import attribute, trace
from tests.tracer.base import COMMON, LONG, TracedRelease

NEVER = LONG.replace("step", "never").replace("value", "other")


class Tracing(TracedRelease):
    def test_a_span_has_its_sources_with_their_lines(self):
        traced = trace("x = 1\n" + LONG)
        exact = next(span for span in traced.spans if span.form == "exact" and not span.common)
        self.assertEqual((exact.start, exact.end), (5, 6 + len(LONG)))
        source = exact.sources[0]
        self.assertEqual((source.owner, source.repository, source.path), ("Alpha", "two", "alpha_two/long.py"))
        self.assertEqual((source.first_line, source.last_line), (3, 3 + LONG.count("\n")))
        self.assertEqual((source.licence, source.release), ("Apache-2.0 OR MIT", self.release))
        self.assertIn("/alpha_two/long.py?lines=3-", source.address)
        self.assertEqual((traced.unready, exact.files, exact.at_least), (0, 1, False))

    def test_code_that_was_indented_anew_is_found_in_the_other_form_and_what_says_no_more_is_left_out(self):
        traced = trace(LONG)
        self.assertEqual({(span.form, span.files) for span in traced.spans}, {("exact", 1), ("collapsed", 2)})
        self.assertEqual(self.sources_of(traced), {("Alpha", "alpha_two/long.py"), ("beta", "beta/long.py")})
        alone = trace("class Beta:\n    def step_0(value_0):\n        return value_0 * 0\n")
        self.assertEqual({span.form for span in alone.spans}, {"exact"})

    def test_what_very_many_files_share_is_marked_by_its_count(self):
        traced = trace(COMMON)
        self.assertTrue(traced.spans[0].common)
        self.assertEqual(traced.spans[0].files, service.COMMON + 2)
        self.assertEqual((len(traced.spans[0].sources), traced.spans[0].more), (service.LISTED, 2))

    def test_what_is_masked_or_blocked_is_gone_from_the_next_trace_on_and_comes_back(self):
        only_beta = {("beta", "beta/long.py")}
        both = self.sources_of(trace(LONG))
        masks.mask(self.staff, self.owner("alpha"), reference="R-1")
        self.assertEqual(self.sources_of(trace(LONG)), only_beta)
        masks.unmask(self.staff, "R-1")
        self.assertEqual(self.sources_of(trace(LONG)), both)
        masks.mask(self.staff, self.owner("alpha"), Repository.objects.get(name_folded="two"), reference="R-2")
        self.assertEqual(self.sources_of(trace(LONG)), only_beta)
        masks.unmask(self.staff, "R-2")
        blocklist.add(self.staff, self.owner("alpha"), reference="R-3")
        self.assertEqual(self.sources_of(trace(LONG)), only_beta)
        blocklist.lift(self.staff, "R-3")
        self.assertEqual(self.sources_of(trace(LONG)), both)

    def test_contents_are_hidden_wherever_they_lie_and_at_one_place(self):
        source = next(one for span in trace(LONG).spans for one in span.sources if one.owner == "Alpha")
        masks.mask_contents(self.staff, "R-1", files=[(source.repository_key, source.path, source.blob_id)])
        self.assertNotIn(("Alpha", source.path), self.sources_of(trace(LONG)))
        masks.unmask(self.staff, "R-1")
        masks.mask_contents(self.staff, "R-2", blobs=[source.blob_id])
        self.assertNotIn(("Alpha", source.path), self.sources_of(trace(LONG)))
        masks.unmask(self.staff, "R-2")
        blocklist.add_contents(self.staff, BlockEntry.BLOB, [source.blob_id], "R-3")
        self.assertNotIn(("Alpha", source.path), self.sources_of(trace(LONG)))

    def test_a_hidden_file_counts_nowhere(self):
        masks.mask_contents(self.staff, "R-1", blobs=[trace(COMMON).spans[0].sources[0].blob_id])
        self.assertEqual(trace(COMMON).spans[0].files, service.COMMON + 1)

    def test_who_is_hidden_while_a_trace_runs_is_left_out_by_its_last_look(self):
        original = service.engine.trace

        def opted_out_meanwhile(*args, **kwargs):
            found = original(*args, **kwargs)
            masks.mask(self.staff, self.owner("alpha"))
            return found

        with patch.object(service.engine, "trace", opted_out_meanwhile):
            traced = trace(LONG)
        self.assertEqual(self.sources_of(traced), {("beta", "beta/long.py")})
        self.assertEqual({span.files for span in traced.spans}, {1})

    def test_hidden_and_never_held_ask_the_database_the_same(self):
        for owner in ("alpha", "beta"):
            masks.mask(self.staff, self.owner(owner))
        trace(NEVER)  # what is hidden is found out once
        for text in (LONG, NEVER):
            with self.assertNumQueries(5):
                self.assertEqual(trace(text).spans, [])

    def test_one_release_by_name_or_the_newest_of_each(self):
        self.assertEqual(trace(LONG).releases, [self.release])
        named = f"{self.release.name}/{self.release.version}"
        self.assertEqual(trace(LONG, release=named).releases, [self.release])
        for name in ("nothing/v1.0", self.release.name, "x", "/", "a/b/c"):
            with self.subTest(name), self.assertRaisesMessage(InvalidInput, "no published release"):
                trace(LONG, release=name)
        Release.objects.update(state="withdrawn")
        self.assertEqual((trace(LONG).spans, trace(LONG).releases), ([], []))
        with self.assertRaisesMessage(InvalidInput, "no published release"):
            trace(LONG, release=named)

    def test_text_that_no_person_typed_is_taken_as_it_is(self):
        self.assertEqual([attribute(text).spans for text in ("", "x", " " * 100, "\0", "\ud800")], [[], [], [], [], []])
        traced = attribute("\0\ud800" + LONG)
        self.assertEqual(self.sources_of(traced), self.sources_of(trace(LONG)))
        self.assertEqual(traced.spans[0].start, 2)

    def test_who_would_wait_too_long_is_told_to_come_again(self):
        turns = [service._turn.acquire() for _ in range(service.AT_ONCE)]
        try:
            with patch.object(service, "PATIENCE", 0.01), self.assertRaises(TooMany) as refused:
                trace(LONG)
        finally:
            for _ in turns:
                service._turn.release()
        self.assertEqual(refused.exception.wait, 5)

    def test_nothing_of_the_text_is_stored(self):
        before = {path: path.stat().st_mtime_ns for path in self.data.rglob("*") if path.is_file()}
        trace(LONG.replace("value_3", "SECRET_WORD"))
        self.assertEqual(before, {path: path.stat().st_mtime_ns for path in self.data.rglob("*") if path.is_file()})
