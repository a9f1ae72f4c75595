"""Every verbatim span of a text that stands in what is published, with its sources.

What is masked or blocked is left out before the engine looks at it, so that it answers like what was never held. Nothing of the
text is stored or logged.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from threading import BoundedSemaphore
from typing import Any

from django.urls import reverse

from core.errors import InvalidInput, TooMany
from datasets_app import code_lookup, lookup, shard_indexes
from datasets_app.models import Release
from datasets_app.tracer import hidden
from datasets_app.tracer.indexes import VERBATIM
from datasets_app.tracer.text import LEAST, Passage, check, mended, passages
from datasets_app.tracing import spans as engine

COMMON = 20  # files from which on a span says little of where it comes from
LISTED = 20  # sources of a span that are listed
AT_ONCE = 2  # texts that one process traces at a time: it is work for a core
PATIENCE = 15.0  # seconds for which a further one waits
FORMS = {"exact": "byte for byte", "collapsed": "but for white space"}
_turn = BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True)
class Source:
    """A file that holds a span.

    Attributes:
        first_line: Of the span in the published file, from 1; ``last_line`` likewise.
        copies: Other files that hold the same content.
        release: The newest of the releases asked that holds it.
    """

    release: Release
    forge: str
    owner: str
    repository: str
    repository_id: int
    repository_key: str
    url: str
    path: str
    first_line: int
    last_line: int
    language: str
    licence: str
    size: int
    copies: int
    blob_id: str

    @property
    def address(self) -> str:
        """A permanent address on this site: a file of a release, and its lines. No text stands in it."""
        file = reverse("datasets:file", args=[self.release.name, self.release.version, self.repository_id, self.path])
        return f"{file}?lines={self.first_line}-{self.last_line}#L{self.first_line}"

    @property
    def file(self) -> tuple[int, int, str]:
        """What tells the file from others."""
        return self.release.pk, self.repository_id, self.path


@dataclass
class Span:
    """A stretch of the text that stands in files as it is, and that cannot be made longer.

    Attributes:
        start: In code points; ``end`` is exclusive.
        form: ``exact``, or ``collapsed``: but for white space.
        files: In how many files it stands; at least that many where ``at_least``.
        sources: At most ``LISTED`` of them.
    """

    start: int
    end: int
    form: str
    files: int
    at_least: bool
    sources: list[Source] = field(default_factory=list)

    @property
    def words(self) -> str:
        """In which way it is the same, for people."""
        return FORMS[self.form]

    @property
    def common(self) -> bool:
        """Whether it stands in so many files that it says little of where it comes from: licence headers, boilerplate."""
        return self.files >= COMMON

    @property
    def more(self) -> int:
        """How many files are not listed."""
        return max(0, self.files - len(self.sources))


@dataclass
class Traced:
    """The answer.

    Attributes:
        text: What was traced.
        least: Characters of the shortest span that was looked for.
        releases: Those that were looked at, the newest first.
        spans: By where they begin; they may overlap.
        unready: How many shards cannot be searched yet, of ``shards``.
    """

    text: str
    least: int
    releases: list[Release]
    spans: list[Span] = field(default_factory=list)
    unready: int = 0
    shards: int = 0

    @cached_property
    def passages(self) -> list[Passage]:
        """The spans joined by position, for display."""
        return passages(self.spans)

    @cached_property
    def covered(self) -> int:
        """How many characters stand in a span."""
        return sum(one.end - one.start for one in self.passages)

    @property
    def share(self) -> float:
        """The same as a share of the text, 0..1."""
        return self.covered / len(self.text) if self.text else 0.0


def newest() -> list[Release]:
    """The newest published release of each name, the newest first."""
    found: dict[str, Release] = {}
    for release in hidden.with_state(shard_indexes.published()):
        found.setdefault(release.name, release)
    return list(found.values())


def named(name: str) -> list[Release]:
    """The published release of this name and version, ``name/version``; the newest of each name where it is empty.

    Raises:
        InvalidInput: There is none.
    """
    if not name.strip():
        return newest()
    slug, _, version = name.strip().partition("/")
    for release in hidden.with_state(shard_indexes.published()):
        if (release.name, release.version) == (slug, version):
            return [release]
    raise InvalidInput(f"There is no published release “{name[:120]}”. Write it as name/version.", "release")


def trace(text: str, *, least: int = LEAST, release: str = "") -> Traced:
    """Every span of a text that stands in published releases.

    Args:
        text: Source code, of at most ``text.MOST`` characters.
        least: Characters of the shortest span to look for.
        release: ``name/version`` of one published release; empty for the newest of each name.

    Raises:
        InvalidInput: The text cannot be traced, or there is no such release.
        TooMany: So many are being traced that it would have to wait too long.
    """
    check(text, least)
    releases = named(release)
    holds = {digest: one for one in reversed(releases) for digest in shard_indexes.shards_of(one)}
    indexes = {digest: index for digest in holds if (index := VERBATIM.of_shard(digest)) is not None}
    answer = Traced(text, least, releases, unready=len(holds) - len(indexes), shards=len(holds))
    if answer.unready:
        VERBATIM.ask()
    opened = list(indexes.values())
    of_index = {id(index): holds[digest] for digest, index in indexes.items()}
    if not _turn.acquire(timeout=PATIENCE):
        raise TooMany("Too many texts are being traced at this moment.", 5)
    try:
        found = engine.trace(text, opened, least=least, hidden=hidden.of_releases(releases))
    finally:
        _turn.release()
    answer.spans = _spans(found.spans, of_index)
    return answer


def attribute(text: str, *, least: int = LEAST, release: str = "") -> Traced:
    """The same for text that no person typed: what a model wrote, or the window of an editor. For the floors above.

    It takes what such text may have: NULs and halves of surrogate pairs are traced as U+FFFD, so all offsets stay, and a text too short
    to hold a span has none. Whoever needs a callable for an engine hands on this function::

        spans = attribute(completion, release="the-stack/v1.0").spans

    Args:
        text: At most ``text.MOST`` characters.
        least: Characters of the shortest span to look for.
        release: As in ``trace``: a release that the model was trained on, for one.

    Raises:
        InvalidInput: The text is too long, or there is no such release.
        TooMany: See ``trace``.
    """
    text = mended(text)
    if len(text) < least or not text.strip():
        return Traced(text, least, named(release))
    return trace(text, least=least, release=release)


def _spans(found: Sequence[engine.Span], releases: dict[int, Release]) -> list[Span]:
    """The engine's spans with their sources. What was hidden since the trace began is left out by a last look."""
    facts: dict[tuple[int, int], dict[str, Any]] = {}
    found = _telling(found)
    for span in found:
        for match in span.matches[:LISTED]:
            facts.setdefault((id(match.index), match.row), match.index.facts(match.row))
    shown = _shown(list(facts.values()))
    spans = []
    for span in found:
        sources = [
            source
            for match in span.matches[:LISTED]
            if (source := _source(match, facts[id(match.index), match.row], releases[id(match.index)], shown))
        ]
        files = span.files - (len(span.matches[:LISTED]) - len(sources))
        if sources:
            spans.append(Span(span.start, span.end, span.form, files, span.at_least, sources))
    return spans


def _telling(found: Sequence[engine.Span]) -> list[engine.Span]:
    """Without the collapsed spans that say no more than exact ones: each of their files holds as much byte for byte."""
    exact = [span for span in found if span.form == "exact"]
    starts, ends = [span.start for span in exact], [span.end for span in exact]  # none lies in another: both ascend
    kept = list(exact)
    for span in found:
        if span.form != "exact":
            around = exact[bisect_left(ends, span.end) : bisect_right(starts, span.start)]
            held = {(id(match.index), match.row) for one in around for match in one.matches}
            if any((id(match.index), match.row) not in held for match in span.matches):
                kept.append(span)
    return sorted(kept, key=lambda span: (span.start, -span.end))


@dataclass(frozen=True)
class _Shown:
    """What the public may see: holdings by release and repository key, less these contents."""

    holdings: dict[tuple[int, str], dict[str, Any]]
    contents: set[tuple[int | None, str, str]]


def _shown(facts: Sequence[dict[str, Any]]) -> _Shown:
    """Asked also where nothing was found, so that what is hidden and what was never held take the same way."""
    keys = sorted({one["repository_key"] for one in facts})
    rows = lookup.held_by_public().filter(repository__key__in=[*keys, ""])
    columns = ("release", "repository", "repository__key", "repository__name", "repository__url", "owner__login")
    return _Shown(
        {(row["release"], row["repository__key"]): row for row in rows.values(*columns)},
        code_lookup.hidden_contents([one["blob_id"] for one in facts]),
    )


def _source(match: engine.Match, facts: dict[str, Any], release: Release, shown: _Shown) -> Source | None:
    row = shown.holdings.get((release.pk, facts["repository_key"]))
    if row is None:
        return None
    blob = facts["blob_id"]
    if shown.contents & {(None, "", blob), (row["repository"], facts["path"], blob)}:
        return None
    return Source(
        release=release, forge=facts["forge"], owner=row["owner__login"], repository=row["repository__name"],
        repository_id=row["repository"], repository_key=facts["repository_key"], url=row["repository__url"],
        path=facts["path"], first_line=match.first_line, last_line=match.last_line, language=facts["language"] or "",
        licence=facts["licence"] or "", size=facts["size"], copies=facts["copies"], blob_id=blob,
    )  # fmt: skip
