"""What of an entry is shown for a question: a stretch of its text with the words that were looked for."""

import re
from dataclasses import dataclass

from portal.catalogue.question import Question, folded, term_of

WIDTH = 240  # characters of an excerpt
BEFORE = 60  # of these before the first word found
_WORD = re.compile(r"\w+(?:[.+#]\w+)*")


@dataclass(frozen=True)
class Piece:
    """A stretch of text, and whether it was looked for."""

    text: str
    found: bool = False


def terms_of(question: Question) -> frozenset[str]:
    """The terms that are to be marked."""
    return frozenset(term for part in question.parts if not part.minus for term, _ in part.terms)


def marked(text: str, terms: frozenset[str]) -> list[Piece]:
    """The whole of a short text, cut where words were looked for."""
    pieces: list[Piece] = []
    at = 0
    for start, end in _hits(text, terms):
        if start > at:
            pieces.append(Piece(text[at:start]))
        pieces.append(Piece(text[start:end], found=True))
        at = end
    return [*pieces, Piece(text[at:])] if at < len(text) else pieces


def excerpt(text: str, terms: frozenset[str]) -> list[Piece]:
    """The stretch of a text that has the most of the words that were looked for; its beginning where it has none."""
    hits = _hits(text, terms)
    start = _best_start(text, hits)
    end = min(len(text), start + WIDTH)
    if start:
        start = text.find(" ", start, start + 30) + 1 or start
    if end < len(text):
        end = text.rfind(" ", start, end) if " " in text[start:end] else end
    pieces = marked(" ".join(text[start:end].split()), terms)
    return [*([Piece("… ")] if start else []), *pieces, *([Piece(" …")] if end < len(text) else [])]


def _best_start(text: str, hits: list[tuple[int, int]]) -> int:
    """Where a stretch begins that holds the most different words."""
    best, most = 0, 0
    for at, (start, _) in enumerate(hits):
        words = {folded(text[one:end]) for one, end in hits[at : at + 20] if end <= start + WIDTH - BEFORE}
        if len(words) > most:
            best, most = max(0, start - BEFORE), len(words)
    return best


def _hits(text: str, terms: frozenset[str]) -> list[tuple[int, int]]:
    """Where words stand whose term is looked for. Only words that begin like one of the terms are stemmed."""
    beginnings = {term[: max(1, len(term) - 1)] for term in terms}
    if not beginnings:
        return []
    likely = re.compile(
        rf"(?<![\w.+#])(?:{'|'.join(map(re.escape, sorted(beginnings)))})\w*(?:[.+#]\w+)*", re.IGNORECASE
    )
    return [match.span() for match in likely.finditer(text) if term_of(match[0]) in terms]
