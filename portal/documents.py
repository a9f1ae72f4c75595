"""The documentation under ``docs/`` as pages of the site.

A site's own policies take the place of ours by ``FAIRSTACK_POLICIES``, a folder with files of the same names. In policies the
numbers of the site are filled in: ``{{ triage }}`` is the promise of that name in days, ``{{ site }}`` and ``{{ contact }}`` what the
site says of itself.
"""

import re
from dataclasses import asdict, dataclass
from pathlib import Path

from django.conf import settings
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

from portal.policies import promises

_NEIGHBOUR = re.compile(
    r'href="([a-z0-9-]+)\.md(?=["#])'
)  # docs/a.md links to b.md: here the pages stand side by side too
_NUMBER = re.compile(r"\{\{ (\w+) \}\}")
POLICY = "policies-"
FOR_DEVELOPERS = frozenset({"architecture", "design-system"})
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
        return words_of(self.source)


def words_of(source: str) -> str:
    """The words of a Markdown text, a line a paragraph, heading or cell."""
    tokens = MarkdownIt("commonmark", {"html": False}).enable("table").parse(source)
    return "\n".join(
        "".join(part.content or " " for part in token.children or []) for token in tokens if token.type == "inline"
    )


def everything() -> list[Document]:
    """All pages, by slug."""
    found = {path.stem: path for folder in _folders() for path in folder.glob("*.md") if _SLUG.fullmatch(path.stem)}
    return [_read(path) for _, path in sorted(found.items())]


def for_readers() -> list[Document]:
    """Those that are for the people who use the site, not for those who work on it."""
    return [document for document in everything() if document.slug not in FOR_DEVELOPERS]


def policies() -> list[Document]:
    """The pages that say by which rules the site runs."""
    return [document for document in everything() if document.slug.startswith(POLICY)]


def by_slug(slug: str) -> Document | None:
    """The page, or None."""
    if not _SLUG.fullmatch(slug):
        return None
    paths = [folder / f"{slug}.md" for folder in _folders()]
    return next((_read(path) for path in reversed(paths) if path.is_file()), None)


def _folders() -> list[Path]:
    """Ours, then the site's own, whose files win."""
    own = [Path(settings.FAIRSTACK_POLICIES)] if settings.FAIRSTACK_POLICIES else []
    return [Path(settings.BASE_DIR) / "docs", *own]


def _read(path: Path) -> Document:
    source = path.read_text(encoding="utf-8")
    if path.stem.startswith(POLICY):
        source = _NUMBER.sub(lambda match: _values().get(match[1], match[0]), source)
    heading = re.search(r"^# +(.+?) *$", source, re.MULTILINE)
    return Document(path.stem, heading[1] if heading else path.stem.replace("-", " ").capitalize(), source)


def _values() -> dict[str, str]:
    days = {name: f"{value} day{'' if value == 1 else 's'}" for name, value in asdict(promises()).items()}
    approvals = "one person" if settings.FAIRSTACK_APPROVALS == 1 else f"{settings.FAIRSTACK_APPROVALS} people"
    site = {"site": settings.FAIRSTACK_SITE_NAME, "contact": settings.FAIRSTACK_CONTACT, "approvals": approvals}
    return days | {name: re.sub(r"([\\`*_\[\]<>#])", r"\\\1", text) for name, text in site.items()}
