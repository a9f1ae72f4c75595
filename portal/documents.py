"""The documentation under ``docs/`` as pages of the site."""

import re
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

_NEIGHBOUR = re.compile(
    r'href="([a-z0-9-]+)\.md(?=["#])'
)  # docs/a.md links to b.md: here the pages stand side by side too
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")


@dataclass(frozen=True)
class Document:
    """One page: its slug (the file's name), its title (the first heading) and its source in Markdown."""

    slug: str
    title: str
    source: str

    @property
    def url(self) -> str:
        """Where it is read."""
        return reverse("portal:document", args=[self.slug])

    @property
    def html(self) -> SafeString:
        """The page as HTML. Raw HTML in the source is shown as text."""
        rendered = MarkdownIt("commonmark", {"html": False}).enable("table").render(self.source)
        rendered = _NEIGHBOUR.sub(r'href="\1', rendered)
        return mark_safe(rendered)  # noqa: S308 - markdown-it escapes all text, and raw HTML is off

    @property
    def text(self) -> str:
        """The words alone, for the catalogue."""
        tokens = MarkdownIt("commonmark", {"html": False}).enable("table").parse(self.source)
        return "\n".join(
            "".join(part.content or " " for part in token.children or []) for token in tokens if token.type == "inline"
        )


def everything() -> list[Document]:
    """All pages, by slug."""
    return [_read(path) for path in sorted(_folder().glob("*.md")) if _SLUG.fullmatch(path.stem)]


def by_slug(slug: str) -> Document | None:
    """The page, or None."""
    path = _folder() / f"{slug}.md"
    return _read(path) if _SLUG.fullmatch(slug) and path.is_file() else None


def _folder() -> Path:
    return Path(settings.BASE_DIR) / "docs"


def _read(path: Path) -> Document:
    source = path.read_text(encoding="utf-8")
    heading = re.search(r"^# +(.+?) *$", source, re.MULTILINE)
    return Document(path.stem, heading[1] if heading else path.stem.replace("-", " ").capitalize(), source)
