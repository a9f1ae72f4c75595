"""How many characters of a text a browser would show, were it HTML.

StarCoder keeps a page of HTML if its visible text is more than 20 % of it and more than 100 characters (arXiv 2305.06161,
section 3.2). What is visible: what stands outside tags, comments, declarations, ``script`` and ``style``; white space
folded to one, a character reference (``&amp;``) as one. Elements hidden by CSS or by attributes count as shown.
"""

from typing import Any

import numpy as np

from datasets_app.pipeline.compiling import njit

LONGEST_REFERENCE = 32  # bytes; the longest name of a character in HTML has 31 letters
_SCRIPT = np.frombuffer(b"script", dtype=np.uint8)
_STYLE = np.frombuffer(b"style", dtype=np.uint8)


@njit
def _is_letter(byte: int) -> bool:
    return 65 <= byte <= 90 or 97 <= byte <= 122


@njit
def _is_name(data: Any, at: int, end: int, name: Any) -> bool:
    """Whether this name, in any case, stands at ``at`` as a whole word."""
    if at + len(name) > end:
        return False
    for step in range(len(name)):
        if data[at + step] | 0x20 != name[step]:
            return False
    behind = at + len(name)
    return behind == end or not (_is_letter(data[behind]) or 48 <= data[behind] <= 57 or data[behind] == 45)


@njit
def _behind_tag(data: Any, at: int, end: int) -> int:
    """Behind the ``>`` that closes the tag at ``at``, which quoted values may hold too; ``end`` if none does."""
    after_equals = False
    while at < end:
        byte = data[at]
        if byte == 62:  # >
            return at + 1
        if after_equals and (byte == 34 or byte == 39):
            at += 1
            while at < end and data[at] != byte:
                at += 1
        if byte > 32:
            after_equals = byte == 61
        at += 1
    return end


@njit
def _behind_comment(data: Any, at: int, end: int) -> int:
    """Behind the ``-->`` that closes the comment whose content begins at ``at``; ``end`` if none does."""
    while at + 2 < end:
        if data[at] == 45 and data[at + 1] == 45 and data[at + 2] == 62:
            return at + 3
        at += 1
    return end


@njit
def _closing_tag(data: Any, at: int, end: int, name: Any) -> int:
    """Where the next closing tag of this name begins; ``end`` if there is none."""
    while at + 1 < end:
        if data[at] == 60 and data[at + 1] == 47 and _is_name(data, at + 2, end, name):
            return at
        at += 1
    return end


@njit
def _behind_reference(data: Any, at: int, end: int, longest: int) -> int:
    """Behind the character reference at ``at``; -1 if there is none."""
    place = at + 1
    while place < min(end, at + longest):
        byte = data[place]
        if byte == 59:  # ;
            return place + 1 if place > at + 1 else -1
        if not (_is_letter(byte) or 48 <= byte <= 57 or (byte == 35 and place == at + 1)):
            return -1
        place += 1
    return -1


@njit
def count_visible(offsets: Any, data: Any, is_text: Any, script: Any, style: Any, counts: Any) -> None:
    """Fill ``counts`` with the visible characters of each text; zero where ``is_text`` is not."""
    for row in range(len(offsets) - 1):
        if not is_text[row]:
            continue
        start, end = offsets[row], offsets[row + 1]
        at = start
        count = 0
        gap = False  # whether white space stands between this and the last visible character
        while at < end:
            byte = data[at]
            if byte == 60 and at + 1 < end:  # <
                following = data[at + 1]
                if following == 33 and at + 3 < end and data[at + 2] == 45 and data[at + 3] == 45:
                    at = _behind_comment(data, at + 4, end)
                    continue
                if _is_letter(following) or following == 47 or following == 33 or following == 63:
                    name = at + 1
                    at = _behind_tag(data, at + 1, end)
                    if _is_name(data, name, end, script):
                        at = _closing_tag(data, at, end, script)
                    elif _is_name(data, name, end, style):
                        at = _closing_tag(data, at, end, style)
                    continue
            if byte <= 32:
                gap = count > 0
            elif byte & 0xC0 != 0x80:
                count += 1 + gap
                gap = False
                if byte == 38:  # &
                    behind = _behind_reference(data, at, end, 32)
                    if behind >= 0:
                        at = behind
                        continue
            at += 1
        counts[row] = count


def names() -> tuple[Any, Any]:
    """The names of the two elements whose content is not shown, as :func:`count_visible` takes them."""
    return _SCRIPT, _STYLE
