"""How much of a text is data in the guise of letters: base64, hexadecimal and escaped bytes.

The kinds and the least lengths are those of The Stack v2 (arXiv 2402.19173, section 2.6, "encoded data": runs of 64 of the
alphabet of base64, eight pairs of hexadecimal digits, eight ``\\\\u`` escapes). Its expressions are known to take a ruler of
``=`` and a list of words, one a line, for base64, and to miss ``0x12, 0x34`` with a space behind the comma. Here

* base64 is a run of its alphabet, of 64 at least, that holds a letter and a digit; it goes on over the end of a line only
  if that line has at least 40 characters of it;
* bytes are eight or more pairs of hexadecimal digits, each with or without ``0x`` or ``\\\\x`` before it, parted by commas
  and white space or, after ``\\\\x``, by nothing;
* escapes are eight or more of ``\\\\uXXXX`` one after the other.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from datasets_app.pipeline.compiling import njit

BASE64_RUN = 64  # characters
WRAPPED_LINE = 40  # characters; encoders wrap at 60, 64, 72 or 76
UNITS = 8  # pairs or escapes in a run

_DIGIT, _LETTER, _HEX, _SIGN, _PARTING = 1, 2, 4, 8, 16


def byte_classes() -> npt.NDArray[np.uint8]:
    """For each byte: a digit 1, a letter 2, a hexadecimal digit 4, another sign of base64 8, what parts bytes 16."""
    classes = np.zeros(256, np.uint8)
    for text, kind in (
        (b"0123456789", _DIGIT),
        (bytes(range(65, 91)) + bytes(range(97, 123)), _LETTER),
        (b"0123456789abcdefABCDEF", _HEX),
        (b"+/=", _SIGN),
        (b" \t\r\n,", _PARTING),
    ):
        classes[list(text)] |= kind
    return classes


@njit
def _is_pair(data: Any, at: int, end: int, classes: Any) -> bool:
    return at + 1 < end and classes[data[at]] & 4 and classes[data[at + 1]] & 4


@njit
def _behind_base64(data: Any, at: int, end: int, classes: Any) -> tuple[int, bool]:
    """Behind the run of base64's alphabet at ``at``, and whether it holds both a letter and a digit."""
    seen = 0
    line = 0
    last = at
    while at < end:
        kind = classes[data[at]]
        if kind & 11:
            seen |= kind & 3
            line += 1
            at += 1
            last = at
        elif line >= 40 and (data[at] == 10 or (data[at] == 13 and at + 1 < end and data[at + 1] == 10)):
            at += 1 if data[at] == 10 else 2
            line = 0
        else:
            break
    return last, seen == 3


@njit
def count_encoded(offsets: Any, data: Any, is_text: Any, classes: Any, counts: Any) -> None:
    """Fill the rows of ``counts`` with (characters in encoded runs, the longest run); zeros where ``is_text`` is not."""
    for row in range(len(offsets) - 1):
        if not is_text[row]:
            continue
        end = offsets[row + 1]
        at = offsets[row]
        total = longest = 0
        units = run = stop = (
            0  # of the run of pairs or escapes under way: how many, where it began, where it ends so far
        )
        wide = False  # whether it is one of \uXXXX
        while at <= end:
            byte = data[at] if at < end else np.uint8(0)
            kind = classes[byte] if at < end else np.uint8(0)
            behind = 0  # of the unit that begins here
            is_wide = False
            token = at  # behind the word that begins here
            if byte == 92 and at + 3 < end:  # a backslash
                if data[at + 1] == 120 and _is_pair(data, at + 2, end, classes):
                    behind = at + 4
                elif (
                    data[at + 1] == 117
                    and _is_pair(data, at + 2, end, classes)
                    and _is_pair(data, at + 4, end, classes)
                ):
                    behind = at + 6
                    is_wide = True
            elif kind & 11:
                token, mixed = _behind_base64(data, at, end, classes)
                length = token - at
                if length >= 64 and mixed:
                    total += length
                    longest = max(longest, length)
                else:  # a pair, or a pair behind 0x
                    prefixed = length == 4 and byte == 48 and data[at + 1] | 0x20 == 120
                    if (length == 2 or prefixed) and _is_pair(data, token - 2, end, classes):
                        behind = token
            if behind:
                if units == 0 or is_wide != wide or (wide and at != stop):
                    if units >= 8:
                        total += stop - run
                        longest = max(longest, stop - run)
                    units = 0
                    run = at
                    wide = is_wide
                units += 1
                stop = behind
                at = behind
                continue
            if kind & 16 and not wide:
                at += 1
                continue
            if units >= 8:
                total += stop - run
                longest = max(longest, stop - run)
            units = 0
            wide = False
            at = max(token, at + 1)
        counts[row, 0] = total
        counts[row, 1] = longest
