"""The kernels that measure text: passes over the UTF-8 bytes in an Arrow buffer, without a Python object a file.

They count characters as Python's ``str`` does: code points, ``str.isalnum``, ``str.isalpha`` and ``str.isspace``, and lines
as ``str.splitlines`` cuts them (which is how The Stack measured its lines), so ``\\r\\n``, form feeds and U+2028 end lines
too. Comments, visible text and encoded data have kernels of their own, in the modules of these names.
"""

import functools
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from datasets_app.pipeline import visible_text
from datasets_app.pipeline.comments import count_comments
from datasets_app.pipeline.compiling import njit
from datasets_app.pipeline.encoded import byte_classes, count_encoded
from datasets_app.pipeline.visible_text import count_visible

ALPHANUMERIC = 1
ALPHABETIC = 2
LINE_END = 4
SPACE = 8
XML_HEAD_CHARACTERS = 100

CODE_POINTS = 0x110000
_LINE_ENDS = "\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029"
_XML = np.frombuffer(b"<?xml version=", dtype=np.uint8)


@functools.cache
def character_classes() -> npt.NDArray[np.uint8]:
    """For each code point which of ALPHANUMERIC, ALPHABETIC, LINE_END and SPACE hold, as this Python's Unicode tables say."""
    characters = list(map(chr, range(CODE_POINTS)))
    classes = np.fromiter(map(str.isalnum, characters), np.uint8, CODE_POINTS) * np.uint8(ALPHANUMERIC)
    classes |= np.fromiter(map(str.isalpha, characters), np.uint8, CODE_POINTS) * np.uint8(ALPHABETIC)
    classes |= np.fromiter(map(str.isspace, characters), np.uint8, CODE_POINTS) * np.uint8(SPACE)
    classes[[ord(character) for character in _LINE_ENDS]] |= LINE_END
    return classes


@njit
def _decode(data: Any, at: int, end: int) -> tuple[int, int]:
    """The code point at ``at`` and how many bytes it takes; -1 for what strict UTF-8 forbids (RFC 3629, section 4)."""
    first = data[at]
    if first < 0x80:
        return int(first), 1
    if 0xC2 <= first <= 0xDF:
        if at + 1 < end and data[at + 1] & 0xC0 == 0x80:
            return (int(first) & 0x1F) << 6 | int(data[at + 1]) & 0x3F, 2
    elif 0xE0 <= first <= 0xEF:
        if at + 2 < end and data[at + 1] & 0xC0 == 0x80 and data[at + 2] & 0xC0 == 0x80:
            point = (int(first) & 0x0F) << 12 | (int(data[at + 1]) & 0x3F) << 6 | int(data[at + 2]) & 0x3F
            if point >= 0x800 and not 0xD800 <= point <= 0xDFFF:
                return point, 3
    elif (
        0xF0 <= first <= 0xF4
        and at + 3 < end
        and data[at + 1] & 0xC0 == 0x80
        and data[at + 2] & 0xC0 == 0x80
        and data[at + 3] & 0xC0 == 0x80
    ):
        high = (int(first) & 0x07) << 18 | (int(data[at + 1]) & 0x3F) << 12
        point = high | (int(data[at + 2]) & 0x3F) << 6 | int(data[at + 3]) & 0x3F
        if 0x10000 <= point <= 0x10FFFF:
            return point, 4
    return -1, 1


@njit
def _measure(offsets: Any, data: Any, classes: Any, xml: Any, counts: Any, flags: Any) -> None:
    """Fill a row of ``counts`` and of ``flags`` for each text that lies between two ``offsets``; zeros where it is none."""
    for row in range(len(offsets) - 1):
        at, end = offsets[row], offsets[row + 1]
        start = at
        characters = alphanumeric = alphabetic = white = lines = longest = in_lines = line = 0
        head_end = end
        after_return = False
        valid = True
        while at < end:
            if characters == XML_HEAD_CHARACTERS:
                head_end = at
            first = data[at]
            if first < 0x80:
                point, width = int(first), 1
            else:
                point, width = _decode(data, at, end)
            if point <= 0:
                valid = False
                break
            at += width
            characters += 1
            kind = classes[point]
            white += (kind & SPACE) >> 3
            if kind & LINE_END:
                if not (point == 10 and after_return):
                    lines += 1
                    in_lines += line
                    longest = max(longest, line)
                    line = 0
                after_return = point == 13
            else:
                line += 1
                after_return = False
                alphanumeric += kind & ALPHANUMERIC
                alphabetic += (kind & ALPHABETIC) >> 1
        if not valid:
            continue
        if line:
            lines += 1
            in_lines += line
            longest = max(longest, line)
        counts[row, 0] = characters
        counts[row, 1] = lines
        counts[row, 2] = longest
        counts[row, 3] = in_lines
        counts[row, 4] = alphanumeric
        counts[row, 5] = alphabetic
        counts[row, 6] = white
        flags[row, 0] = True
        for place in range(start, head_end - len(xml) + 1):
            found = True
            for step in range(len(xml)):
                if data[place + step] != xml[step]:
                    found = False
                    break
            if found:
                flags[row, 1] = True
                break


def measure(content: pa.Array) -> dict[str, npt.NDArray[Any]]:
    """Measure each text of an Arrow array of ``large_binary``, which may be a slice; nulls are not allowed.

    Returns:
        What :func:`measure_characters` gives, and ``hash_comment``, ``slash_comment`` and ``encoded`` (shares of all characters, line
        ends included), ``longest_encoded`` and ``html_text`` (characters). What is no text, and what is empty, has zeros.
    """
    offsets, data = _buffers(content)
    measured = measure_characters(content)
    is_text = measured["is_text"]
    comments = np.zeros((len(content), 2), dtype=np.int64)
    count_comments(offsets, data, is_text, comments)
    encoded = np.zeros((len(content), 2), dtype=np.int64)
    count_encoded(offsets, data, is_text, byte_classes(), encoded)
    visible = np.zeros(len(content), dtype=np.int32)
    count_visible(offsets, data, is_text, *visible_text.names(), visible)
    whole = np.maximum(measured["characters"].astype(np.int64), 1)
    return measured | {
        "hash_comment": (comments[:, 0] / whole).astype(np.float32),
        "slash_comment": (comments[:, 1] / whole).astype(np.float32),
        "html_text": visible,
        "encoded": (encoded[:, 0] / whole).astype(np.float32),
        "longest_encoded": encoded[:, 1].astype(np.int32),
    }


def measure_characters(content: pa.Array) -> dict[str, npt.NDArray[Any]]:
    """The measures that one pass over the characters gives, of an array as :func:`measure` takes it.

    Returns:
        ``is_text`` (strict UTF-8 without NUL), ``characters``, ``lines``, ``longest_line`` and ``mean_line`` (characters, without
        the line's end), ``alphanumeric``, ``alphabetic`` and ``whitespace`` (shares of all characters, line ends included),
        ``xml_head``. What is no text, and what is empty, has zeros.
    """
    offsets, data = _buffers(content)
    counts = np.zeros((len(content), 7), dtype=np.int64)
    flags = np.zeros((len(content), 2), dtype=np.bool_)
    _measure(offsets, data, character_classes(), _XML, counts, flags)
    characters, lines, longest, in_lines, alphanumeric, alphabetic, white = counts.T
    whole = np.maximum(characters, 1)
    return {
        "is_text": flags[:, 0],
        "characters": characters.astype(np.int32),
        "lines": lines.astype(np.int32),
        "longest_line": longest.astype(np.int32),
        "mean_line": (in_lines / np.maximum(lines, 1)).astype(np.float32),
        "alphanumeric": (alphanumeric / whole).astype(np.float32),
        "alphabetic": (alphabetic / whole).astype(np.float32),
        "whitespace": (white / whole).astype(np.float32),
        "xml_head": flags[:, 1],
    }


def _buffers(content: pa.Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    _validity, offsets_buffer, data_buffer = content.buffers()
    offsets = np.frombuffer(offsets_buffer, dtype=np.int64)[content.offset : content.offset + len(content) + 1]
    return offsets, np.frombuffer(data_buffer, dtype=np.uint8) if data_buffer is not None else np.empty(0, np.uint8)
