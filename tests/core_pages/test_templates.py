"""Rules for every template of the project."""

import re
from pathlib import Path

from django.conf import settings
from django.template import TemplateSyntaxError
from django.template.loader import get_template
from django.test import SimpleTestCase

ROOT = Path(settings.BASE_DIR)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
FORBIDDEN = {
    "a style attribute": re.compile(r"\sstyle\s*=", re.I),
    "a style element": re.compile(r"<style\b", re.I),
    "an event attribute": re.compile(r"<[^>]*\son[a-z]+\s*=", re.I),
    "an inline script": re.compile(r"<script(?![^>]*\ssrc=)", re.I),
    "a javascript address": re.compile(r"javascript:", re.I),
    "htmx that needs eval": re.compile(r"hx-(on|vals\s*=\s*[\"']js:|vars)", re.I),
    "something from another site": re.compile(
        r"<(script|link|img|iframe|source)\b[^>]*(src|href)\s*=\s*[\"'](https?:)?//", re.I
    ),
    "a static address written out": re.compile(r"[\"']/static/"),
}


class TemplateTests(SimpleTestCase):
    def test_there_are_templates_to_check(self) -> None:
        self.assertGreater(len(TEMPLATES), 25)

    def test_nothing_that_the_content_security_policy_forbids(self) -> None:
        for path in TEMPLATES:
            text = path.read_text()
            for what, pattern in FORBIDDEN.items():
                with self.subTest(template=str(path.relative_to(ROOT)), what=what):
                    self.assertIsNone(pattern.search(text))

    def test_the_rules_find_what_they_forbid(self) -> None:
        bad = (
            '<a style="x" onclick="y()" href="javascript:z"><style></style><script>1</script><script src="//cdn/x.js">'
        )
        found = {what for what, pattern in FORBIDDEN.items() if pattern.search(bad)}
        self.assertGreaterEqual(
            found,
            {
                "a style attribute",
                "a style element",
                "an event attribute",
                "an inline script",
                "something from another site",
            },
        )

    def test_every_template_compiles(self) -> None:
        for path in TEMPLATES:
            with self.subTest(template=str(path.relative_to(ROOT))):
                try:
                    get_template(str(path.relative_to(ROOT / "templates")))
                except TemplateSyntaxError as error:
                    self.fail(str(error))

    def test_every_form_that_posts_carries_the_csrf_token(self) -> None:
        for path in TEMPLATES:
            for form in re.findall(r"<form\b[^>]*method=[\"']post[\"'].*?</form>", path.read_text(), re.I | re.S):
                with self.subTest(template=str(path.relative_to(ROOT))):
                    self.assertIn("{% csrf_token %}", form)

    def test_every_page_has_a_title_of_its_own(self) -> None:
        texts = {str(path.relative_to(ROOT / "templates")): path.read_text() for path in TEMPLATES}
        parents = {
            name: found[1] for name, text in texts.items() if (found := re.search(r'{% extends "([^"]+)" %}', text))
        }
        for name in set(parents) - set(parents.values()):
            chain, at = texts[name], name
            while (at := parents.get(at, "")) not in {"", "base.html", "components/plain.html"}:
                chain += texts[at]
            with self.subTest(template=name):
                self.assertIn("{% block title %}", chain)
