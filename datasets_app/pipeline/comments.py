"""How much of a text stands in comments, by two families of comments, lexed without knowing the language.

A blob has no language, its files have; so both families are counted for every text, and a recipe takes the one that
fits (``recipe.comment_styles``). Two approximations of what SantaCoder measured with the parsers of three languages
(arXiv 2301.03988, section 4.2; there docstrings count as comments too):

* *hash*: from a ``#`` that begins a line or follows white space or one of ``,;:([)]}`` to the end of the line, and
  strings in three quotes that begin a line (docstrings of Python and Julia), a prefix such as ``r`` aside.
* *slash*: from ``//``, unless a colon stands before it (an address), to the end of the line; ``/*`` to ``*/``.

What stands between quotes is no comment. A quote that is not closed on its line is taken for an ordinary character (an
apostrophe, a lifetime of Rust); three quotes and the back-quote may span lines. Regular expressions, here-documents and
languages that nest comments are not understood.
"""

from typing import Any

from datasets_app.pipeline.compiling import njit


@njit
def _line_end(data: Any, at: int, end: int) -> int:
    """Where the line that holds ``at`` ends."""
    while at < end and data[at] != 10:
        at += 1
    return at


@njit
def _close(data: Any, at: int, end: int, quote: int, over_lines: bool) -> int:
    """Behind the quote that closes the string whose content begins at ``at``; -1 if none does."""
    while at < end:
        byte = data[at]
        if byte == quote:
            return at + 1
        if byte == 92:  # a backslash
            at += 1
            if at < end and data[at] == 10 and not over_lines:
                return -1
        elif byte == 10 and not over_lines:
            return -1
        at += 1
    return -1


@njit
def _close_triple(data: Any, at: int, end: int, quote: int) -> int:
    """Behind the three quotes that close the string whose content begins at ``at``; -1 if none do."""
    while at + 2 < end:
        if data[at] == quote and data[at + 1] == quote and data[at + 2] == quote:
            return at + 3
        at += 2 if data[at] == 92 else 1
    return -1


@njit
def _characters(data: Any, at: int, end: int) -> int:
    """How many characters begin in these bytes of UTF-8."""
    count = 0
    for place in range(at, end):
        count += (data[place] & 0xC0) != 0x80
    return count


@njit
def _begins_line(data: Any, start: int, at: int) -> bool:
    """Whether nothing but white space and a prefix of at most two letters stands before ``at`` on its line."""
    place = at - 1
    letters = 0
    while place >= start and letters < 2 and (65 <= data[place] <= 90 or 97 <= data[place] <= 122):
        place -= 1
        letters += 1
    while place >= start and (data[place] == 32 or data[place] == 9):
        place -= 1
    return place < start or data[place] == 10


@njit
def _hash_comments(data: Any, start: int, end: int) -> int:
    count = 0
    at = start
    open_double = open_single = True  # whether three such quotes can still be closed further on
    while at < end:
        byte = data[at]
        if byte == 35:  # #
            before = data[at - 1] if at > start else 10
            if before <= 32 or before in (44, 59, 58, 40, 91, 41, 93, 125):
                stop = _line_end(data, at, end)
                count += _characters(data, at, stop)
                at = stop
                continue
        elif byte == 34 or byte == 39:
            may = open_double if byte == 34 else open_single
            if may and at + 2 < end and data[at + 1] == byte and data[at + 2] == byte:
                stop = _close_triple(data, at + 3, end, byte)
                if stop >= 0:
                    if _begins_line(data, start, at):
                        count += _characters(data, at, stop)
                    at = stop
                    continue
                if byte == 34:
                    open_double = False
                else:
                    open_single = False
            stop = _close(data, at + 1, end, byte, False)
            if stop >= 0:
                at = stop
                continue
        at += 1
    return count


@njit
def _slash_comments(data: Any, start: int, end: int) -> int:
    count = 0
    at = start
    open_back = open_block = True  # whether a back-quote, and a block, can still be closed further on
    while at < end:
        byte = data[at]
        if byte == 47 and at + 1 < end:  # /
            if data[at + 1] == 47 and not (at > start and data[at - 1] == 58):
                stop = _line_end(data, at, end)
                count += _characters(data, at, stop)
                at = stop
                continue
            if data[at + 1] == 42 and open_block:
                stop = at + 2
                while stop + 1 < end and not (data[stop] == 42 and data[stop + 1] == 47):
                    stop += 1
                if stop + 1 < end:
                    count += _characters(data, at, stop + 2)
                    at = stop + 2
                    continue
                open_block = False
        elif byte == 34 or byte == 39 or (byte == 96 and open_back):
            stop = _close(data, at + 1, end, byte, byte == 96)
            if stop >= 0:
                at = stop
                continue
            if byte == 96:
                open_back = False
        at += 1
    return count


@njit
def count_comments(offsets: Any, data: Any, is_text: Any, counts: Any) -> None:
    """Fill the rows of ``counts`` with characters in (hash comments, slash comments); zeros where ``is_text`` is not."""
    for row in range(len(offsets) - 1):
        if is_text[row]:
            counts[row, 0] = _hash_comments(data, offsets[row], offsets[row + 1])
            counts[row, 1] = _slash_comments(data, offsets[row], offsets[row + 1])
