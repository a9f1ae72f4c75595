"""Text without its personal data, replaced as StarCoder's data was (arXiv 2305.06161, section 4.4).

Two things differ from the original script. It drew an address at random for each file; here it follows from the value, so
that the same text always gives the same bytes, whatever else the release holds. And it put a space where two spans touch;
here nothing outside a span changes.
"""

import hashlib
import ipaddress
from collections.abc import Sequence

from datasets_app.pipeline.pii.spans import IP_ADDRESS, KINDS, merge

# Private addresses of the published replacements, by family.
REPLACEMENTS_IPV4 = ("172.16.31.10", "172.16.58.3", "172.16.17.32", "192.168.127.12", "192.168.3.11")
REPLACEMENTS_IPV6 = (
    "fd00:c2b6:b24b:be67:2827:688d:e6a1:6a3b",
    "fd00:a516:7c1b:17cd:6d81:2137:bd2a:2c5b",
    "fc00:e968:6179::de52:7100",
    "fc00:db20:35b:7399::5",
    "fdf8:f53e:61e4::18",
)


def redact(content: bytes, spans: Sequence[tuple[int, int, str]]) -> bytes:
    """The text with each span replaced: ``<EMAIL>``, ``<KEY>``, ``<NAME>``, ``<USERNAME>``, ``<PASSWORD>``, or an address.

    An IP address becomes one of five private ones of its family. The same value gives the same replacement, and the
    bytes outside the spans stay as they are. Overlapping spans count as one (:func:`~datasets_app.pipeline.pii.spans.merge`);
    they may come in any order.

    Args:
        content: UTF-8 text.
        spans: (start, end, kind) in bytes of ``content``.

    Raises:
        ValueError: A span lies outside the text, cuts a character, or is of an unknown kind: it belongs to another text.
    """
    for start, end, kind in spans:
        if kind not in KINDS:
            raise ValueError(f"spans: {kind!r} is not one of {', '.join(KINDS)}")
        if not 0 <= start <= end <= len(content):
            raise ValueError(f"spans: {start} to {end} lies outside a text of {len(content)} bytes")
        if _inside_character(content, start) or _inside_character(content, end):
            raise ValueError(f"spans: {start} to {end} cuts a character in two")
    parts: list[bytes] = []
    at = 0
    for start, end, kind in merge(spans):
        parts.append(content[at:start])
        parts.append(_replacement(content[start:end], kind))
        at = end
    parts.append(content[at:])
    return b"".join(parts)


def _inside_character(content: bytes, at: int) -> bool:
    return at < len(content) and content[at] & 0xC0 == 0x80


def _replacement(value: bytes, kind: str) -> bytes:
    if kind != IP_ADDRESS:
        return f"<{kind}>".encode()
    try:
        address = ipaddress.ip_address(value.decode("ascii", "replace"))
    except ValueError:  # it was merged with another span
        choices = REPLACEMENTS_IPV6 if value.count(b":") > 1 else REPLACEMENTS_IPV4
        seed = value
    else:
        choices = REPLACEMENTS_IPV6 if address.version == 6 else REPLACEMENTS_IPV4
        seed = address.packed  # however it is written, ::1 and 0:0:0:0:0:0:0:1 are one
    return choices[hashlib.sha256(seed).digest()[0] % len(choices)].encode()
