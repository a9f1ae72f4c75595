"""Tracing by API, and by the editor extension, whose request is sent as it sends it."""

import json
from itertools import pairwise

from django.test import override_settings

from core import tokens
from datasets_app.services import masks
from tests.base import make_user
from tests.tracer.base import LONG, WIDE, TracedRelease


class ByApi(TracedRelease):
    address = "/api/trace"

    def test_spans_with_sources_licences_and_offsets_for_editors(self):
        answer = self.ask(self.address, text="# 𝔘𝔘\n" + LONG).json()
        self.assertEqual((answer["complete"], answer["releases"]), (True, [str(self.release)]))
        exact = answer["spans"][0]
        self.assertEqual((exact["form"], exact["start"], exact["start_utf16"]), ("exact", 4, 6))
        self.assertEqual(exact["end_utf16"], exact["end"] + 2)
        source = exact["sources"][0]
        self.assertEqual(
            (
                source["owner"],
                source["repository"],
                source["path"],
                source["first_line"],
                source["commit"],
                source["opt_out"],
            ),
            ("Alpha", "two", "alpha_two/long.py", 3, None, "none"),
        )
        self.assertTrue(source["address"].startswith("http"))
        self.assertEqual(self.client.get(source["address"].partition("8000")[2]).status_code, 200)
        self.assertEqual(
            {(one["licence"], one["files"]) for one in answer["licences"]},
            {("Apache-2.0 OR MIT", 1), ("BSD-3-Clause", 1)},
        )

    def test_what_cannot_be_traced_gets_a_clear_answer(self):
        for body, words in (
            ({"text": ""}, "There is no text"), ({"text": "x"}, "has 1 character"), ({"text": "x" * 1_000_000}, "1,000,000 characters"),
            ({"text": "\0" * 60}, "NUL"), ({"text": "PK\x03\x04\0" * 60}, "NUL"), ({"text": LONG, "least": 3}, "47 to 20,000"),
            ({"text": LONG, "release": "none/v1"}, "no published release"),
        ):  # fmt: skip
            with self.subTest(words):
                answer = self.ask(self.address, **body)
                self.assertEqual(answer.status_code, 422)
                self.assertIn(words, answer.json()["error"])
        for body in (b'{"text": "\\ud800' + b"x" * 60 + b'"}', b"{", b"[]", b'{"text": 5}', b"\xff\xfe", b"{}"):
            with self.subTest(body[:12]):
                answer = self.client.post(self.address, body, content_type="application/json")
                self.assertIn(answer.status_code, (400, 422))
                self.assertIn("application/json", answer["Content-Type"])
        self.assertEqual(self.ask(self.address, text="x" * 3_000_000).status_code, 413)
        for text in ("-" * 20_000, "ab" * 10_000, "a\r\nb\rc\n" * 100):
            self.assertEqual(self.ask(self.address, text=text).json()["spans"], [])

    def test_masked_and_never_held_are_the_same_but_for_the_figures_of_the_text(self):
        for owner in ("alpha", "beta"):
            masks.mask(self.staff, self.owner(owner))
        never = LONG.replace("step", "nope").replace("value", "wares")
        self.assertEqual(len(never), len(LONG))
        self.assertEqual(self.ask(self.address, text=LONG).content, self.ask(self.address, text=never).content)

    @override_settings(FAIRSTACK_LIMITS={"trace.network": "1/hour", "trace.account": "2/hour"}, REDIS_URL="")
    def test_a_network_is_limited_and_an_account_more_widely(self):
        self.assertEqual([self.ask(self.address, text="x" * 60).status_code for _ in range(2)], [200, 429])
        refused = self.client.post("/overlap", {"document": "x" * 60}, content_type="application/json")
        self.assertEqual((refused.status_code, "texts traced" in refused.json()["error"]), (429, True))
        self.assertTrue(int(refused["Retry-After"]) > 0)
        _, plain = tokens.issue(make_user("paula"), "laptop", ["read"])
        header = {"Authorization": f"Bearer {plain}"}
        answers = [
            self.client.post(
                self.address, {"text": "x" * 60}, content_type="application/json", headers=header
            ).status_code
            for _ in range(3)
        ]
        self.assertEqual(answers, [200, 200, 429])


class ByTheEditor(TracedRelease):
    """llm-vscode 0.2.2, ``extension.ts``: it sends ``JSON.stringify({document})`` by ``fetch`` with this content type, reads
    ``spans`` if the status is 2xx, merges them in the order they come, and marks them in UTF-16 units."""

    def send(self, document: str) -> dict[str, object]:
        """The body as ``JSON.stringify`` writes it: plain UTF-8, with halves of surrogate pairs escaped."""
        escaped = "".join(f"\\u{ord(one):04x}" if "\ud800" <= one <= "\udfff" else one for one in document)
        literal = json.dumps(escaped, ensure_ascii=False).replace("\\\\ud", "\\ud")
        headers = {"accept": "*/*", "sec-fetch-mode": "cors", "user-agent": "node"}
        answer = self.client.post(
            "/overlap", f'{{"document":{literal}}}'.encode(), content_type="application/json", headers=headers
        )
        self.assertEqual((answer.status_code, answer["Content-Type"]), (200, "application/json"))
        found: dict[str, object] = answer.json()
        return found

    def test_it_gets_sorted_pairs_in_its_own_units_with_overlaps_joined(self):
        document = "// 𝔘\n" + LONG + "zq = 'unlike'\n" + WIDE
        spans = self.send(document)["spans"]
        self.assertEqual(spans, sorted(spans))
        units = document.encode("utf-16-le")
        marked = [units[2 * start : 2 * end].decode("utf-16-le") for start, end in spans]
        self.assertEqual(len(marked), 2)
        self.assertIn(LONG.strip(), marked[0])
        self.assertIn(WIDE.strip(), marked[1])
        self.assertTrue(all(first[1] < second[0] for first, second in pairwise(spans)))

    def test_a_window_that_cuts_a_character_in_two_is_taken_and_a_short_one_has_no_spans(self):
        self.assertEqual(len(self.send("\ud835" + LONG)["spans"]), 1)
        self.assertEqual(self.send("x"), {"spans": []})

    def test_what_is_no_document_is_refused_in_words(self):
        for body in (b"", b"{}", b"[]", b'{"document": 5}', b"\xff", b"[" * 100_000):
            answer = self.client.post("/overlap", body, content_type="application/json")
            self.assertEqual((answer.status_code, "document" in answer.json()["error"]), (422, True))
        self.assertEqual(self.client.get("/overlap").status_code, 405)
