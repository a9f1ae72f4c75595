"""The page on which a text is traced, as a visitor without scripts sees it."""

import re
from io import BytesIO

from datasets_app.services import masks
from tests.tracer.base import COMMON, HEADER, LONG, TracedRelease


class TracePage(TracedRelease):
    def trace(self, text="", **fields):
        return self.client.post("/trace/", {"text": text, **fields})

    def test_passages_are_marked_and_lead_to_their_sources(self):
        answer = self.trace("mine = <b>&\n" + LONG + "zq = 'unlike anything else'\n" + COMMON)
        self.assertContains(answer, "mine = &lt;b&gt;&amp;")
        page = answer.content.decode()
        for lead in re.findall(r'<mark class="span[^"]*" data-passage="\d+"[^>]*><a href="#([^"]+)"', page):
            self.assertIn(f'id="{lead}"', page)
        for number in set(re.findall(r'href="#(p\d+)"', page)):
            self.assertEqual(page.count(f'id="{number}"'), 1)
        self.assertContains(answer, "alpha_two/long.py")
        self.assertContains(answer, "span--common")
        self.assertContains(answer, "These notices are due")
        self.assertIn("no-store", answer["Cache-Control"])
        address = re.search(r'href="([^"]*alpha_two/long.py\?lines=[^"]*)"', page)[1]
        self.assertContains(self.client.get(address), "code__line--marked")

    def test_the_notice_file_names_files_lines_of_copyright_and_licences(self):
        answer = self.trace(LONG + "zq = 'unlike'\n" + COMMON, notice="1")
        self.assertIn("attachment", answer["Content-Disposition"])
        text = answer.content.decode()
        for words in ("alpha_two/long.py", "Copyright (c) 2021 Alpha Authors", "The text of Apache-2.0", "left out"):
            self.assertIn(words, text)
        self.assertNotIn("value_3", text)
        self.assertNotIn("many_1.py", text)

    def test_what_cannot_be_traced_is_said_and_the_text_stays_in_the_form(self):
        for text, words in (
            ("", "There is no"), ("short = 1", "9 characters"), ("x = 1  # \u00e9\n" * 3000, "20,000"),
        ):  # fmt: skip
            with self.subTest(words):
                answer = self.trace(text)
                self.assertContains(answer, words, status_code=400)
                self.assertContains(answer, text[:30].split("\n")[0], status_code=400)
        for content, words in ((b"PK\x03\x04" + b"x" * 60, "a ZIP archive"), (b"\xff" * 60, "not in UTF-8")):
            answer = self.trace("", file=BytesIO(content))
            self.assertContains(answer, words, status_code=400)
        self.assertContains(self.trace("x" * 3_000_000), "20,000 characters", status_code=400)

    def test_a_file_can_be_handed_in_and_one_of_a_release_taken(self):
        self.assertContains(self.trace(file=BytesIO((HEADER + LONG).encode())), "alpha_two/long.py")
        source = next(iter(self.client.post("/trace/", {"text": LONG}).context["groups"]))[1][0][1].first
        name = f"{source.release.name}/{source.release.version}/{source.repository_id}/{source.path}"
        self.assertContains(self.client.get("/trace/", {"from": name}), "def step_0(value_0)")
        for wrong in ("x", "a/b/c/d", name + "x", name.replace(f"/{source.repository_id}/", "/99999999999999999999/")):
            self.assertContains(self.client.get("/trace/", {"from": wrong}), "no such file", status_code=400)

    def test_who_is_hidden_is_on_no_page(self):
        masks.mask(self.staff, self.owner("alpha"))
        answer = self.trace(LONG)
        self.assertNotContains(answer, "alpha_two")
        self.assertNotContains(answer, "Alpha")
