"""All spans of one text: one pass of the gate over its bytes, then exact checks where it hit."""

import functools

from datasets_app.pipeline.multipattern import MultiPattern
from datasets_app.pipeline.pii import addresses, emails
from datasets_app.pipeline.pii.spans import Span

PATTERNS: tuple[tuple[bytes, int], ...] = ((emails.GATE, 0), (addresses.GATE_IPV4, 0), (addresses.GATE_IPV6, 0))


@functools.cache
def gate() -> MultiPattern:
    """The compiled gate, one for the process."""
    return MultiPattern(PATTERNS)


def gate_ends(content: bytes) -> tuple[list[int], ...]:
    """Where each of :data:`PATTERNS` ends in the text, ascending."""
    ends: tuple[list[int], ...] = tuple([] for _ in PATTERNS)
    for pattern, end in gate().ends(content):
        ends[pattern].append(end)
    return ends


def contacts(content: bytes, ends: tuple[list[int], ...]) -> list[Span]:
    """E-mail and IP addresses, from what :func:`gate_ends` gave; an address may be told before an earlier e-mail."""
    return [*emails.emails(content, ends[0]), *addresses.addresses(content, ends[1], ends[2])]
