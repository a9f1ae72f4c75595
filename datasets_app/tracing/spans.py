"""Every stretch of a text that stands word for word in published files, with all of these files.

A *span* is a stretch of the text that stands whole in at least one file and lies within no longer one that does. Its matches are
the files that hold it whole. Spans may overlap, where two files go on differently; they are never joined over a gap. Both forms
of comparison (:data:`question.FORMS`) have their own spans. What a file holds of a span only in part is not told of that file, as
the longer stretch tells more; the length of a collapsed span is that of its collapsed text.

The answer is exact: the texts themselves are compared, byte by byte, and every span is found. One exception: runs in which each
byte is that two before it (one or two symbols over and over) are not spans by themselves, only as part of longer ones.

Common spans cost most. So with a ``cap`` no more than that many places of one window (24 bytes) are looked at in one shard. What
could be missed by that is known exactly, and such spans say ``at_least``. The work is then bounded by length of text x cap x
shards, whatever the text.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

import numpy as np
import numpy.typing as npt

from datasets_app.tracing import question
from datasets_app.tracing.fingerprints import look_up
from datasets_app.tracing.matching import NO_CAP, anchors, compare, mark_blind, touch
from datasets_app.tracing.question import FORMS, Form, Question
from datasets_app.tracing.shard_index import Fingerprints, Place, ShardIndex

Hidden = Callable[[ShardIndex, npt.NDArray[np.int64]], npt.NDArray[np.bool_]]
"""Which of these rows of an index must not appear. It is asked of each row once at most."""

_ROUNDS = 3  # of asking what is hidden by candidates; then it is asked of all rows
_NONE_HIDDEN = np.empty(0, np.bool_)


@dataclass(frozen=True)
class Match:
    """One file that holds a span: the first place in it that was found.

    Attributes:
        index: The index of its shard.
        row: Its row there.
        form: How it was compared.
        at: Where the span begins in the row's text in that form, in bytes of UTF-8.
        size: Bytes of it.
    """

    index: ShardIndex
    row: int
    form: Form
    at: int
    size: int

    @cached_property
    def place(self) -> Place:
        """Where it lies in the published text."""
        return self.index.place(self.row, self.form, self.at, self.size)

    @property
    def first_line(self) -> int:
        """Its first line in the published text, from 1."""
        return self.place.first_line

    @property
    def last_line(self) -> int:
        """Its last line there."""
        return self.place.last_line

    @property
    def start(self) -> int:
        """Where it begins in the published text, in characters."""
        return self.place.start

    @property
    def end(self) -> int:
        """Where it ends there."""
        return self.place.end


@dataclass(frozen=True)
class Span:
    """A stretch of the text that was asked.

    Attributes:
        start: Its first character, from 0.
        end: The one behind its last.
        form: How it was compared.
        matches: The files that hold it, in the order of the indexes and rows, each once.
        at_least: There may be more files, as a cap was reached.
    """

    start: int
    end: int
    form: Form
    matches: list[Match]
    at_least: bool

    @property
    def files(self) -> int:
        """How many files hold it; where ``at_least`` is set, so many at least."""
        return len(self.matches)


@dataclass(frozen=True)
class Trace:
    """What was found of a text.

    Attributes:
        spans: By position; at one position exact before collapsed.
        blind: Of each form the stretches of the text, in characters, in which files may have been passed over because of the cap.
            A span that lies in one says ``at_least``; other spans that lie in one may be missing.
        least: Of how many characters a span had to be.
    """

    spans: list[Span]
    blind: Mapping[Form, list[tuple[int, int]]]
    least: int


def trace(
    text: str,
    indexes: Sequence[ShardIndex],
    *,
    least: int = 50,
    cap: int | None = 64,
    hidden: Hidden | None = None,
) -> Trace:
    """Find all spans of a text.

    Args:
        text: Of at most ``question.MOST_CHARACTERS``.
        indexes: Of the shards that are asked, each once.
        least: Characters of a span; ``question.LEAST`` or more.
        cap: See above. Without one, texts that repeat themselves can take very long: not for texts of strangers.
        hidden: Which rows must not appear. They count nowhere: the answer is as if their texts were others.

    Raises:
        BadQuestion: The text or a figure cannot be asked for.
    """
    encoded = question.check(text, least, cap)
    spans: list[Span] = []
    blind: dict[Form, list[tuple[int, int]]] = {form: [] for form in FORMS}
    if len(text) >= least:
        for form, asked in question.ask(encoded).items():
            search = _Search(form, asked, least, NO_CAP if cap is None else cap, hidden)
            for number, index in enumerate(indexes):
                search.ask(number, index)
            blind[form] = search.blind_stretches()
            spans += search.spans(indexes, blind[form])
    return Trace(sorted(spans, key=_position), blind, least)


def merge(traces: Sequence[Trace]) -> Trace:
    """The trace of all indexes, from those of groups of them that have none in common: exactly what one trace would have said.

    A span stays if no other group has a longer one around it. All traces must be of the same text, with the same ``least`` and ``cap``.

    Raises:
        ValueError: There is none, or they were not asked alike.
    """
    if len({one.least for one in traces}) != 1:
        raise ValueError("Traces can be merged only where each was asked for spans of the same length.")
    blind = {form: _longest([stretch for one in traces for stretch in one.blind[form]]) for form in FORMS}
    spans: list[Span] = []
    for form in FORMS:
        matches: dict[tuple[int, int], list[Match]] = {}
        for one in traces:
            for span in one.spans:
                if span.form == form:
                    matches.setdefault((span.start, span.end), []).extend(span.matches)
        spans += [
            Span(start, end, form, matches[start, end], _within(start, end, blind[form]))
            for start, end in _longest(list(matches))
        ]
    return Trace(sorted(spans, key=_position), blind, traces[0].least)


def _position(span: Span) -> tuple[int, int, int]:
    return span.start, span.end, FORMS.index(span.form)


def _longest(stretches: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Those that lie within no other, each once, by position."""
    kept: list[tuple[int, int]] = []
    for start, end in sorted(set(stretches), key=lambda stretch: (stretch[0], -stretch[1])):
        if not kept or end > kept[-1][1]:
            kept.append((start, end))
    return kept


def _within(start: int, end: int, stretches: Sequence[tuple[int, int]]) -> bool:
    return any(first <= start and end <= last for first, last in stretches)


class _Search:
    """One form of a text, asked of one index after the other."""

    def __init__(self, form: Form, asked: Question, least: int, cap: int, hidden: Hidden | None) -> None:
        self.form, self.asked, self.least, self.cap, self.hidden = form, asked, least, cap, hidden
        self.reach = np.zeros(len(asked.data) + 1, np.int64)
        self.blind = np.zeros(len(asked.data) + 1, np.int64)
        self.found: list[npt.NDArray[np.int64]] = []  # start, end, place, number of the index
        self._kept, self._starts, self._ends = (np.empty(len(asked.hashes) + 1, np.int64) for _ in range(3))

    def ask(self, number: int, index: ShardIndex) -> None:
        """Add the stretches that stand in an index."""
        asked, held = self.asked, index.forms[self.form]
        count = look_up(asked.hashes, held.filter, held.buckets, held.tags, self._kept, self._starts, self._ends)
        if not count:
            return
        kept, starts, ends = self._kept[:count], self._starts[:count], self._ends[:count]
        hidden = _NONE_HIDDEN if self.hidden is None else self._hidden_rows(index, held, starts, ends)
        capped = np.zeros(len(asked.hashes), np.bool_)
        keys = anchors(
            kept,
            starts,
            ends,
            held.places,
            held.bounds,
            hidden,
            self.cap,
            asked.offsets,
            asked.bounds,
            len(asked.data),
            capped,
        )
        keys.sort()
        found = np.empty((len(keys), 4), np.int64)
        many = compare(
            keys,
            held.text,
            asked.data,
            asked.onward,
            asked.back,
            asked.characters,
            self.least,
            self.reach,
            found,
        )
        if many:
            found[:many, 3] = number
            self.found.append(found[:many].copy())
        if capped.any():
            mark_blind(capped, asked.offsets, asked.bounds, asked.repeating, self.blind)

    def _hidden_rows(
        self, index: ShardIndex, held: Fingerprints, starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.bool_]:
        """Which rows are hidden, as far as it matters: none of those that will be taken is, unless it says so here."""
        assert self.hidden is not None
        rows = len(held.bounds) - 1
        known, hidden = np.zeros(rows, np.bool_), np.zeros(rows, np.bool_)
        for done in range(_ROUNDS + 1):
            touched = np.zeros(rows, np.bool_)
            if done == _ROUNDS:
                touched[:] = True
            else:
                touch(starts, ends, held.places, held.bounds, hidden, self.cap, touched)
            new = np.flatnonzero(touched & ~known)
            answer = self.hidden(index, new) if len(new) else _NONE_HIDDEN
            if not answer.any():
                break
            known[new] = True
            hidden[new] = answer
        return hidden

    def blind_stretches(self) -> list[tuple[int, int]]:
        """Where files may have been passed over, in characters of the text."""
        asked = self.asked
        starts = np.flatnonzero(self.blind[:-1] > np.concatenate([[0], self.blind[:-2]])).tolist()
        stretches = [(int(asked.onward[start]), int(asked.back[self.blind[start]])) for start in starts]
        return _longest([(int(asked.starts[a]), int(asked.ends[b - 1])) for a, b in stretches if a < b])

    def spans(self, indexes: Sequence[ShardIndex], blind: Sequence[tuple[int, int]]) -> Iterator[Span]:
        """The spans, by position."""
        if not self.found:
            return
        found = np.concatenate(self.found)
        starts, ends = found[:, 0], found[:, 1]
        farther = self.reach[starts] > ends
        farther |= (starts > 0) & (self.reach[starts - 1] >= ends)
        found = found[~farther]
        found = found[np.lexsort((found[:, 2], found[:, 3], found[:, 1], found[:, 0]))]
        rows = self._rows(indexes, found)
        for (start, end), places in groupby(zip(found.tolist(), rows, strict=True), lambda one: (one[0][0], one[0][1])):
            matches: dict[tuple[int, int], Match] = {}
            for (_, _, _, number), (row, at) in places:
                if (number, row) not in matches:
                    matches[number, row] = Match(indexes[number], row, self.form, at, end - start)
            first, last = int(self.asked.starts[start]), int(self.asked.ends[end - 1])
            yield Span(first, last, self.form, list(matches.values()), _within(first, last, blind))

    def _rows(self, indexes: Sequence[ShardIndex], found: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
        """The row of each stretch, and where in the row's text it begins."""
        rows, at = np.empty(len(found), np.int64), np.empty(len(found), np.int64)
        for number in np.unique(found[:, 3]):
            here = np.flatnonzero(found[:, 3] == number)
            bounds = indexes[number].forms[self.form].bounds
            rows[here] = np.searchsorted(bounds, found[here, 2], "right") - 1
            at[here] = found[here, 2] - bounds[rows[here]]
        return list(zip(rows.tolist(), at.tolist(), strict=True))
