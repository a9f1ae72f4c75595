"""E-mail addresses in source code.

The gate tells where an ``@`` stands between two characters that an address could have there; everything else is decided
on the bytes around it. Left out are look-alikes that name nobody: addresses of reserved domains (RFC 2606, RFC 6761),
``git@`` and its like, ``noreply@``, user names and passwords in a URL, versions of packages (``left-pad@1.3.0``),
pictures (``logo@2x.png``), matrix products (``a@b.shape``).

Not found: addresses written to deceive a machine ("ada at example dot org"), quoted local parts and address literals
(RFC 5321, section 4.1.2), local parts and domains beyond ASCII, addresses of a host without a dot.
"""

import re
from collections.abc import Iterable, Iterator

from datasets_app.pipeline.pii.spans import EMAIL, Span

GATE = rb"[A-Za-z0-9._%+'-]@[A-Za-z0-9]"  # it ends two bytes behind the start of the "@"
LONGEST_LOCAL = 64  # bytes, RFC 5321 section 4.5.3.1

_LABEL = rb"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# What the gate must not lose: an address's form, whether or not it names anybody.
PLAIN = re.compile(
    rb"(?<![A-Za-z0-9._%+'-])[A-Za-z0-9._%+'-]{1,64}@(?:" + _LABEL + rb"\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9@-])"
)
_BEFORE = re.compile(rb"[A-Za-z0-9._%+'-]{1,64}\Z")

_RESERVED = re.compile(
    r"(?:^|\.)(?:example\.(?:com|org|net|edu)|(?:e?xample|test|invalid|localhost|local|localdomain|internal|lan|home|corp|arpa))$"
)
_NOBODY = (
    "git hg svn cvs bzr anonymous anoncvs noreply no-reply no_reply donotreply do-not-reply "
    "nobody none null user username your.name your.email youremail your-email yourname "
    "someone somebody foo bar name email"
)
_PLACEHOLDER_DOMAIN = re.compile(
    r"^(?:(?:your|my|some|the)?-?(?:domain|company|organi[sz]ation|email|site|server|host|mail)|foo|bar|baz|xyz|abc|xxx+|yyy+|a|b|c|x|y)"
    r"\.(?:com|org|net|tld|ext|xx|bar|foo|baz|com?\.uk)$"
)
# What stands behind a dot in code and in file names, and is nobody's top-level domain (.py, .pl, .rs, .sh are countries).
_NO_DOMAIN = (
    "png jpg jpeg gif svg webp ico bmp tif tiff pdf js jsx ts tsx mjs cjs css scss less sass html htm xhtml xml json yml yaml "
    "toml ini cfg pkl zip txt csv log lock whl tar tgz gz bz exe dll jar war bin so py pyc pyi cpp hpp java rb php "
    "shape size dtype dot transpose reshape mean sum std var real imag inv norm weight weights bias values value data "
    "grad mm matmul bmm flatten ravel copy astype detach numpy item items conj diagonal "
    "parametrize fixture mark setter getter deleter property wraps register route command option argument task patch object "
    "target service socket timer mount slice scope device path conf"
)
_ESCAPE = re.compile(rb"\\[abfnrtv]")
_VERSION = re.compile(r"^[v^~]?\d+\.(?:\d|x\b)")
_CALL = re.compile(rb"[(\[=]|\s?=[^=]")


def candidates(content: bytes, ends: Iterable[int]) -> Iterator[tuple[int, int, int]]:
    """Everything of an address's form: (start, offset of the ``@``, end), each once, in order.

    Args:
        content: The text.
        ends: Where :data:`GATE` ends in it, ascending.
    """
    behind = 0  # two addresses never share a byte
    for end in ends:
        at = end - 2
        if at < behind:
            continue
        local = _BEFORE.search(content[max(behind, at - LONGEST_LOCAL) : at])
        whole = PLAIN.match(content, at - len(local[0])) if local else None
        if whole is not None:
            yield whole.start(), at, whole.end()
            behind = whole.end()


def emails(content: bytes, ends: Iterable[int]) -> Iterator[Span]:
    """The spans of addresses that may belong to a person.

    Args:
        content: UTF-8 text.
        ends: Where :data:`GATE` ends in it, ascending.
    """
    for start, at, end in candidates(content, ends):
        if start and _ESCAPE.match(content, start - 1):  # "\\nada@maths.org" in a string of code
            start += 1
        while start < at and content[start] in b".-+%'":  # punctuation before an address
            start += 1
        if start < at and content[at - 1] not in b".'" and _names_someone(content, start, at, end):
            yield Span(start, end, EMAIL)


def _names_someone(content: bytes, start: int, at: int, end: int) -> bool:
    local = content[start:at].decode().lower()
    domain = content[at + 1 : end].decode().lower()
    last = domain.rpartition(".")[2]
    if local in _NOBODY.split() or _RESERVED.search(domain) or _PLACEHOLDER_DOMAIN.match(domain):
        return False
    if last in _NO_DOMAIN.split() or _VERSION.match(domain) or ".." in local or ".." in domain:
        return False
    if _CALL.match(content, end):  # a@b.sum(), a@b.real[0], x@y.attr = 1
        return False
    # https://ada:secret@host.org: from the last space to here there is "://" and no "/" behind it.
    word = re.split(rb"[\s\"'<>()]", content[max(0, start - 200) : start])[-1]
    return b"://" not in word or b"/" in word.rpartition(b"://")[2]
