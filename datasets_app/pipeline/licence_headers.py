"""Which licence a file itself says it is under, in its first lines.

Three ways are known: ``SPDX-License-Identifier`` (several lines are a sum, as REUSE has it); the well-known notices, or a
whole short licence, in the comment that the file begins with; and the marks ``__license__ = "MIT"`` of Python and
``@license MIT`` of JavaScript.
"""

import re

from datasets_app.pipeline import licence_notices, licence_texts, licences
from datasets_app.pipeline.licences import Licence

HEAD = 8192  # bytes

# Words without any of which a head names nothing; looking for them is many times faster than the patterns.
_HINTS = (b"licen", b"spdx", b"confidential", b"permission", b"redistribution", b"unauthori", b"public domain")
_SPDX = re.compile(
    r"^[^\w\n]{0,12}(?:rem\s+|dnl\s+)?SPDX-License-Identifier:[ \t]*(?P<expression>[^\r\n]*)", re.I | re.M
)
_SPDX_END = re.compile(r"""\s*(?:\*/|-->|#\}|\*\)|-\}|\]\]|%>|\?>|["']{1,3}).*$""")
_MARK = re.compile(
    r"""^\s*(?:__licen[cs]e__\s*=\s*["'](?P<python>[^"'\n]+)["']|[*/\s]*@licen[cs]e\s+(?P<script>[^\n*]+))""", re.M
)
_TEXT = re.compile(r"permission (?:is|to)\b.{0,80}\b(?:granted|copy)|redistribution and use", re.I | re.S)
# Comments: what begins a line of them, and what opens and closes a block.
_LINE = re.compile(r"\s*(?:#|//|--|;|%|\*|'|!|\.\\\"|\.\.\s|rem\b|dnl\b|c\s)", re.I)
_BLOCKS = (
    ("/*", "*/"),
    ("<!--", "-->"),
    ('"""', '"""'),
    ("'''", "'''"),
    ("{-", "-}"),
    ("(*", "*)"),
    ("=begin", "=end"),
    ("{#", "#}"),
)
_BEFORE = re.compile(r"\s*(?:#!|<\?(?:php|xml)|<!doctype|\ufeff)", re.I)


def leading_comment(text: str) -> str:
    """The comments that a text begins with: everything before the first line that is none."""
    kept = []
    closing = ""
    for line in text.splitlines():
        stripped = line.strip().lstrip("\ufeff")
        if closing:
            kept.append(line)
            if closing in stripped:
                closing = ""
            continue
        block = next((pair for pair in _BLOCKS if stripped[:12].lstrip("rRuUbB").startswith(pair[0])), None)
        if block is not None:
            if block[1] not in stripped[len(block[0]) :]:
                closing = block[1]
        elif stripped and not _LINE.match(line) and not _BEFORE.match(line):
            break
        kept.append(line)
    return "\n".join(kept)


def of_file(content: bytes) -> Licence | None:
    """The licence that a file names in its first lines; None where it names none.

    A licence that cannot be understood, or a notice that reserves the code, is a :class:`Licence` without expression: then
    nothing else may speak for the file.

    Args:
        content: The bytes of the file, or at least the first :data:`HEAD` of them.
    """
    head = content[:HEAD]
    lowered = head.lower()
    if not any(hint in lowered for hint in _HINTS):
        return None
    text = head.decode("utf-8", errors="replace")
    if b"spdx" in lowered and (identifiers := _SPDX.findall(text)):
        return _of_identifiers(identifiers)
    if (b"__licen" in lowered or b"@licen" in lowered) and (mark := _MARK.search(text)):
        found = licences.from_name(mark["python"] or mark["script"])
        if found:
            return Licence(found, "header: licence mark", licences.is_permissive(found))
    comment = leading_comment(text)
    if not comment:
        return None
    words = licence_notices.as_words(comment)
    if licence_notices.is_closed(words):
        return Licence(None, "header: the code is reserved", False)
    if _TEXT.search(comment) and (found := licence_texts.match(comment)):
        return Licence(found, "header: text", licences.is_permissive(found))
    if found := licence_notices.named(words):
        return Licence(found, "header: notice", licences.is_permissive(found))
    return None


def _of_identifiers(identifiers: list[str]) -> Licence:
    expressions = [licences.from_expression(_SPDX_END.sub("", identifier).strip()) for identifier in identifiers]
    known = [expression for expression in expressions if expression]
    if len(known) < len(expressions):
        return Licence(None, "header: SPDX-License-Identifier is not valid SPDX", False)
    whole = licences.combine(known)
    return Licence(whole, "header: SPDX-License-Identifier", licences.is_permissive(whole))
