"""Answering a question from an open index: which entries, in which order, and how many there are of each value of a facet."""

import difflib
import re
from dataclasses import dataclass, field

import numpy as np

from portal.catalogue.engine import PLACE, Floats, Ids, Mask, Opened
from portal.catalogue.question import FACETS, Part, Question, folded, spelt, term_of

K1, B = 1.2, 0.75  # BM25, as Robertson and Zaragoza (2009) have them
TITLE = 2.0  # how much more a word counts that stands in the title
VALUES = 8  # of a facet that are shown, the commonest first


@dataclass(frozen=True)
class Value:
    """A value of a facet, and how many entries would be found with it."""

    name: str
    count: int
    chosen: bool = False


@dataclass(frozen=True)
class Found:
    """Numbers of entries, best first; the facets; a question with nearer spellings, or empty."""

    numbers: Ids
    facets: dict[str, list[Value]] = field(default_factory=dict)
    meant: str = ""


def search(opened: Opened, question: Question) -> Found:
    """All that is found, and what the facets say of it."""
    chosen = {name: _chosen(opened, name, value) for name, value in question.chosen}
    found = _matching(opened, question)
    facets = {name: _facet(opened, name, _narrowed(found, chosen, name), dict(question.chosen)) for name in FACETS}
    numbers = np.flatnonzero(_narrowed(found, chosen)).astype(np.int32)
    return Found(_best_first(opened, question, numbers), facets, _meant(opened, question))


def _matching(opened: Opened, question: Question) -> Mask:
    mask = opened.live.copy()
    for part in question.parts:
        has = _has(opened, part)
        mask &= ~has if part.minus else has
    for one in question.filters:
        has = _with_value(opened, one.field, one.value)
        mask &= ~has if one.minus else has
    return mask


def _has(opened: Opened, part: Part) -> Mask:
    name = "title" if part.title else "body"
    if part.phrase and len(part.terms) > 1:
        first = part.terms[0][1]
        where = opened.places(name, part.terms[0][0])
        for term, place in part.terms[1:]:
            where = where[np.isin(where + (place - first), opened.places(name, term), assume_unique=True)]
        return _mask(opened, (where >> PLACE).astype(np.int32))
    mask = np.ones(opened.count, bool)
    for term, _ in part.terms:
        mask &= _mask(opened, opened.having(name, term))
    return mask


def _with_value(opened: Opened, name: str, value: str) -> Mask:
    """The entries with that value, or one that has it as a word (a version, a part of an SPDX expression); where there is no such
    value, those with values that begin so."""
    values = opened.values(name)
    same = [known for known, plain in values if plain == value or value in plain.split()]
    return _any_of(opened, name, same or [known for known, plain in values if plain.startswith(value)])


def _any_of(opened: Opened, name: str, values: list[str]) -> Mask:
    mask = np.zeros(opened.count, bool)
    for value in values:
        mask[opened.having(name, value)] = True
    return mask


def _chosen(opened: Opened, name: str, value: str) -> Mask:
    """The entries with exactly that value of a facet."""
    return _any_of(opened, name, [known for known, plain in opened.values(name) if plain == value])


def _narrowed(found: Mask, chosen: dict[str, Mask], but: str = "") -> Mask:
    mask = found
    for name, has in chosen.items():
        if name != but:
            mask = mask & has
    return mask


def _facet(opened: Opened, name: str, mask: Mask, chosen: dict[str, str]) -> list[Value]:
    """The commonest values among entries that all other facets let through; the chosen one is always there."""
    counted = []
    for known, plain in opened.values(name):
        count = int(np.count_nonzero(mask[opened.having(name, known)]))
        is_chosen = chosen.get(name) == plain
        if count or is_chosen:
            counted.append(Value(known, count, is_chosen))
    counted.sort(key=lambda one: (not one.chosen, -one.count, one.name.casefold()))
    return counted[:VALUES]


def _best_first(opened: Opened, question: Question, numbers: Ids) -> Ids:
    """By BM25 over all the words, with more for those in the title; without words as they stand in the index."""
    terms = {term for part in question.parts if not part.minus for term, _ in part.terms}
    if not terms or not len(numbers):
        return numbers
    scores = np.zeros(opened.count, np.float32)
    for term in terms:
        for name, weight in (("body", 1.0), ("title", TITLE)):
            _add(scores, opened, name, term, weight)
    order = np.lexsort((numbers, -scores[numbers]))
    return numbers[order]


def _add(scores: Floats, opened: Opened, name: str, term: str, weight: float) -> None:
    ids, often = opened.postings(name, term)
    if not len(ids):
        return
    rarity = np.log1p((opened.count - len(ids) + 0.5) / (len(ids) + 0.5))
    scores[ids] += weight * rarity * often * (K1 + 1) / (often + K1 * (1 - B + B * opened.lengths[name][ids]))


def _meant(opened: Opened, question: Question) -> str:
    """The question with unknown words and values replaced by near ones; empty where all are known, or nothing is near."""
    text = before = folded(question.text)
    for word in (word for part in question.parts if not part.minus for word in spelt(part.words)):
        if not opened.having("body", term_of(word)).size and not opened.knows(word):
            near = opened.near(word[:40])
            if not near:
                return ""
            text = re.sub(rf"(?:(?<=title:)|(?<![\w:])){re.escape(word)}(?!\w)", near, text)
    for one in question.filters:
        values = [value for _, value in opened.values(one.field)]
        if not any(value.startswith(one.value) for value in values):
            close = difflib.get_close_matches(one.value, values, n=1, cutoff=0.7)
            text = text.replace(f":{one.value}", f":{close[0]}") if close else text
    return text if text != before else ""


def _mask(opened: Opened, ids: Ids) -> Mask:
    mask = np.zeros(opened.count, bool)
    mask[ids] = True
    return mask
