"""Byte ranges (RFC 9110 section 14): one range a request."""

import re

RANGE = re.compile(r"bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*", re.IGNORECASE)
DIGITS = 18


class Unsatisfiable(Exception):
    """The range lies beyond the end of the file."""


def wanted(header: str, if_range: str, etag: str, size: int) -> tuple[int, int] | None:
    """The half-open range of bytes that a request asks for, or None where it gets the whole file.

    A header that is malformed or lists several ranges is ignored, as the RFC allows: the answer is the whole file.

    Args:
        header: The ``Range`` header.
        if_range: The ``If-Range`` header: the range counts only where it is exactly the file's own strong tag.
        etag: The file's tag, without quotes.
        size: Bytes of the file.

    Raises:
        Unsatisfiable: No byte of the file is in the range.
    """
    if not header or (if_range and if_range.strip() != f'"{etag}"'):
        return None
    match = RANGE.fullmatch(header.strip())
    if match is None or not match.group(0).isascii():
        return None
    first, last = match.groups()
    if not (first or last) or max(len(first), len(last)) > DIGITS:
        return None
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start = int(first)
        end = min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return None
    if start >= end or start >= size:
        raise Unsatisfiable
    return start, end


def matches(if_none_match: str, etag: str) -> bool:
    """Whether the caller has the file already (weak comparison, RFC 9110 section 13.1.2)."""
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in tags or f'"{etag}"' in tags
