"""Which of the strings that detect-secrets takes are keys: the test for gibberish and the exclusion of hashes.

StarCoder's pipeline had both after detect-secrets. Here they are narrower where the original lost keys and wider where it
took what is none:

* Only strings found by their entropy are doubted. The original also doubted tokens of an unmistakable form, and dropped every
  key of a file in which 2% of the lines hold "sha" or "hash", of which "share" and "hashable" are such too.
* A hexadecimal string is a key only if its line speaks of one; most are digests, commits and test values. The test for
  gibberish says nothing about hexadecimal (six letters are too few).
* Alphabets, decimal numbers, Base64 of plain text, values that say EXAMPLE, and the first words of a private key without the
  key are none; nor is the password of a URL that is a well-known default, the user's name, or leads to no host.
"""

import base64
import binascii
import functools
import itertools
import json
import math
import re
import string
from collections.abc import Iterable, Iterator
from pathlib import Path

import detect_secrets

from datasets_app.pipeline.pii.secrets import Secret

GIBBERISH_LIMIT = 3.5  # mean cost of a pair of letters; words of code reach 3.4, of random strings 1 in 50 is below
CONTEXT = 120  # bytes of the line before a value that may say what it is
_LONGEST_NAMED = 512  # bytes of a hexadecimal key
_DIGEST_SIZES = {28, 32, 40, 44, 56, 64, 88, 96, 128}  # characters of MD5 to SHA-512, in hexadecimal and Base64

_DOUBTED = {"Base64HighEntropyString", "HexHighEntropyString"}
_DIGEST_WORD = re.compile(
    rb"(?<![a-z])(?:sha|md5|crc|hash|digest|checksum|integrity|etag|fingerprint|commit|revision|rev|blob|tree|nonce)"
    rb"|(?:hash|digest|checksum|sha_?(?:1|256|384|512)?|md5|revisionid|thumbprint|bytes|byte)(?![a-z])",
    re.I,
)
_KEY_WORD = re.compile(
    rb"(?:key|token|secret|passw|pwd|auth|cred|bearer|salt|signature|client_?id|access|private|session|cookie|license|webhook|api)",
    re.I,
)
_BREAK = re.compile(rb"[\r\n]")
_HEX = frozenset(string.hexdigits.encode())
_EXAMPLE = re.compile(rb"EXAMPLE|example|XXXX|xxxx|placeholder", re.A)
_DEFAULTS = b"""password passwd pass pwd secret guest postgres root admin user username test mysql masterkey tiger sa
changeme hunter2 xxx xxxx *** foo bar baz"""
_NO_HOST = re.compile(
    rb"@(?:localhost|127\.|0\.0\.0\.0|host(?:name)?\b|(?:[\w.-]+\.)?example\b|(?:[\w-]+\.)+(?:test|invalid|example)\b)",
    re.I,
)
_DIGEST_LINE = re.compile(rb"(?<![A-Za-z])(?:sha-?\d|md5|hash(?:es|ed)?(?![A-Za-z]))", re.I)
_DIGEST_LINES = 0.02  # share of a file's lines, as published


def keys(content: bytes, secrets: Iterable[Secret]) -> Iterator[Secret]:
    """Those of the secrets that are keys.

    Args:
        content: The text.
        secrets: What :class:`~datasets_app.pipeline.pii.secrets.SecretScanner` found in it.
    """
    crowded: bool | None = None
    for secret in secrets:
        value = content[secret.start : secret.end]
        if _EXAMPLE.search(value):
            continue
        if secret.plugin == "PrivateKeyDetector":
            if b"END " in value:
                yield secret
            continue
        if secret.plugin == "BasicAuthDetector" and _is_default(content, secret, value):
            continue
        if secret.plugin in _DOUBTED:
            if _is_alphabet(value) or not _speaks_of_a_key(content, secret.start, value):
                continue
            if len(value) in _DIGEST_SIZES:
                crowded = _holds_digests(content) if crowded is None else crowded
                if crowded:
                    continue
        yield secret


def gibberish(value: str) -> float:
    """How unlike English a string is: the mean cost (natural logarithm) of its pairs of letters; 0 where it has none.

    The costs are those of the model that detect-secrets ships, trained on RFCs.
    """
    costs = _costs()
    letters = [letter for letter in value.lower() if letter in string.ascii_lowercase]
    pairs = [costs[first + second] for first, second in itertools.pairwise(letters)]
    return sum(pairs) / len(pairs) if pairs else 0.0


@functools.cache
def _costs() -> dict[str, float]:
    path = Path(detect_secrets.__file__).parent / "filters" / "gibberish" / "rfc.model"
    counts: dict[str, dict[str, int]] = json.loads(path.read_bytes())["counts"]
    return {
        first + second: -math.log(count / sum(row.values()))
        for first, row in counts.items()
        for second, count in row.items()
    }


def _speaks_of_a_key(content: bytes, start: int, value: bytes) -> bool:
    before = _BREAK.split(content[max(0, start - CONTEXT) : start])[-1]
    # What names the value stands last: in {"sha": "..", "token": "<here>"} that is the token.
    name = re.split(rb"[,;{(]", before.rstrip(b"'\"rbfu "))[-1] or before
    is_digest = _DIGEST_WORD.search(name) is not None
    is_key = _KEY_WORD.search(name) is not None
    if is_digest and not (is_key and len(value) not in _DIGEST_SIZES):
        return False
    if set(value) <= _HEX:
        return is_key and not value.isdigit() and len(value) <= _LONGEST_NAMED
    return gibberish(value.decode()) > GIBBERISH_LIMIT and not _is_plain_text(value)


def _is_default(content: bytes, secret: Secret, value: bytes) -> bool:
    """Whether the password of a URL protects nothing."""
    user = re.split(rb"[/\s]", content[max(0, secret.start - CONTEXT) : secret.start])[-1].rstrip(b":")
    return value.lower() in _DEFAULTS.split() or value == user or _NO_HOST.match(content, secret.end) is not None


def _is_plain_text(value: bytes) -> bool:
    """Whether it is Base64 of something a person could read."""
    try:
        plain = base64.b64decode(value + b"=" * (-len(value) % 4), b"-_" if b"_" in value or b"-" in value else None)
    except (binascii.Error, ValueError):
        return False
    return all(32 <= byte < 127 or byte in b"\r\n\t" for byte in plain)


def _is_alphabet(value: bytes) -> bool:
    """Whether at least half of the characters follow their neighbour in ASCII."""
    following = sum(second - first == 1 for first, second in itertools.pairwise(value))
    return 2 * following >= len(value) - 1


def _holds_digests(content: bytes) -> bool:
    lines = content.count(b"\n") + 1
    return len(_DIGEST_LINE.findall(content)) > max(3, _DIGEST_LINES * lines)
