"""All spans of one text: one pass of the gate over its bytes, then exact checks where it hit."""

import functools
from collections.abc import Iterator

from datasets_app.pipeline.multipattern import MultiPattern
from datasets_app.pipeline.pii import addresses, emails
from datasets_app.pipeline.pii.secret_filters import keys
from datasets_app.pipeline.pii.secrets import KEY_PLUGINS, PASSWORD_PLUGINS, SecretScanner
from datasets_app.pipeline.pii.spans import KEY, PASSWORD, Span, merge

CONTACTS: tuple[tuple[bytes, int], ...] = ((emails.GATE, 0), (addresses.GATE_IPV4, 0), (addresses.GATE_IPV6, 0))

SHORTEST_REPEATED = 8  # bytes; a shorter value is no key wherever else it stands
MOST_REPEATED = 50  # keys in a file; one with more is a collection, and looking for each in all of it would take long


@functools.cache
def scanner() -> SecretScanner:
    """The scanner of secrets, one for the process."""
    return SecretScanner((*KEY_PLUGINS, *PASSWORD_PLUGINS))


@functools.cache
def gate() -> MultiPattern:
    """The compiled gate, one for the process: :data:`CONTACTS`, then the patterns of :func:`scanner`."""
    return MultiPattern((*CONTACTS, *scanner().patterns))


def detect(content: bytes) -> list[Span]:
    """The spans of e-mail addresses, IP addresses, keys, and passwords in URLs: sorted, without overlaps.

    A key is taken at every place where its value stands, as in the original.

    Args:
        content: UTF-8 text.
    """
    contacts, secrets = _hits(content)
    spans = [*emails.emails(content, contacts[0]), *addresses.addresses(content, contacts[1], contacts[2])]
    values = set()
    for secret in keys(content, scanner().scan(content, secrets, lambda text: _hits(text)[1])):
        if secret.plugin in PASSWORD_PLUGINS:
            spans.append(Span(secret.start, secret.end, PASSWORD))
        else:
            spans.append(Span(secret.start, secret.end, KEY))
            values.add(content[secret.start : secret.end])
    if len(values) <= MOST_REPEATED:
        spans.extend(
            span for value in values if len(value) >= SHORTEST_REPEATED for span in _everywhere(content, value)
        )
    return merge(spans)


def _everywhere(content: bytes, value: bytes) -> Iterator[Span]:
    at = content.find(value)
    while at >= 0:
        yield Span(at, at + len(value), KEY)
        at = content.find(value, at + len(value))


def contact_ends(content: bytes) -> tuple[list[int], ...]:
    """Where each of :data:`CONTACTS` ends in the text, ascending."""
    return _hits(content)[0]


def _hits(content: bytes) -> tuple[tuple[list[int], ...], list[tuple[int, int]]]:
    contacts: tuple[list[int], ...] = tuple([] for _ in CONTACTS)
    secrets = []
    for pattern, end in gate().ends(content):
        if pattern < len(CONTACTS):
            contacts[pattern].append(end)
        else:
            secrets.append((pattern - len(CONTACTS), end))
    return contacts, secrets
