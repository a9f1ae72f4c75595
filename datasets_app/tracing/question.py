"""A text that is asked for, made ready: once in each form, with the windows that are looked up."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from datasets_app.tracing.white_space import collapse, origins
from datasets_app.tracing.windows import SURE, all_windows

Form = Literal["exact", "collapsed"]
"""How texts are compared: byte for byte, or with each run of white space taken for one space (:mod:`white_space`)."""

FORMS: tuple[Form, ...] = get_args(Form)
MOST_CHARACTERS = 20_000
LEAST = SURE
"""The fewest characters of a span that may be asked for: each is a byte at least, and no shorter stretch is sure to be found."""


class BadQuestion(ValueError):
    """This text, or the length of a span, cannot be asked for; the message says why and what to do."""


@dataclass(frozen=True)
class Question:
    """One form of a text.

    Attributes:
        data: Its UTF-8 bytes, n of them.
        hashes: Of its windows, each once, ascending, without those that repeat themselves.
        offsets: Where these windows begin, those of one hash together.
        bounds: Where in ``offsets`` those of each hash begin, and the end.
        repeating: Whether the window at each byte repeats itself.
        characters: How many characters begin before each byte, n + 1 figures.
        onward: For each byte, and the end, where the next character begins if none begins there.
        back: Where the character begins that it lies in.
        starts: Where what each byte stands for begins in the text that was asked, in characters.
        ends: And where it ends.
    """

    data: npt.NDArray[np.uint8]
    hashes: npt.NDArray[np.uint64]
    offsets: npt.NDArray[np.int64]
    bounds: npt.NDArray[np.int64]
    repeating: npt.NDArray[np.bool_]
    characters: npt.NDArray[np.int64]
    onward: npt.NDArray[np.int64]
    back: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]


def check(text: str, least: int, cap: int | None) -> bytes:
    """The text in UTF-8.

    Raises:
        BadQuestion: It is too long, holds what no published text holds, or the figures are out of range.
    """
    if len(text) > MOST_CHARACTERS:
        raise BadQuestion(f"The text has {len(text):,} characters; ask for {MOST_CHARACTERS:,} at most at a time.")
    if "\0" in text:
        raise BadQuestion(f"Character {text.index(chr(0)) + 1:,} is NUL, which stands in no text: remove it.")
    if least < LEAST:
        raise BadQuestion(f"Spans of {least} characters cannot be found for certain; ask for {LEAST} or more.")
    if cap is not None and cap < 1:
        raise BadQuestion(f"The cap is {cap}; give 1 or more, or none at all.")
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise BadQuestion(
            f"Character {error.start + 1:,} is half of a surrogate pair, which is no character: remove it."
        ) from error


def ask(encoded: bytes) -> dict[Form, Question]:
    """The forms of a text, given in UTF-8."""
    data = np.frombuffer(encoded, np.uint8)
    before = _characters(data)
    places = np.arange(len(data), dtype=np.int64)
    starts, ends = origins(data)
    collapsed, _ = collapse(data, np.empty(0, np.uint32))
    return {
        "exact": _question(data, before[places], before[places + 1]),
        "collapsed": _question(collapsed, before[starts], before[ends]),
    }


def _characters(data: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(_leads(data))]).astype(np.int64)


def _leads(data: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Which bytes begin a character."""
    leads: npt.NDArray[np.bool_] = (data & 0xC0) != 0x80
    return leads


def _question(data: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]) -> Question:
    begins = np.append(np.flatnonzero(_leads(data)), len(data))
    every = np.arange(len(data) + 1)
    hashes, repeating = all_windows(data)
    asked = np.flatnonzero(~repeating)
    order = asked[np.argsort(hashes[asked], kind="stable")]
    distinct, first = np.unique(hashes[order], return_index=True)
    return Question(
        data=data,
        hashes=distinct,
        offsets=order,
        bounds=np.append(first, len(order)),
        repeating=repeating,
        characters=_characters(data),
        onward=begins[np.searchsorted(begins, every, "left")],
        back=begins[np.searchsorted(begins, every, "right") - 1],
        starts=starts,
        ends=ends,
    )
