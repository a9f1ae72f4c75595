"""Quoted strings of high entropy: the check of detect-secrets' two entropy plugins, over bytes and only where the gate hit.

A string counts if it stands between two equal quotes, holds characters of one alphabet alone and its Shannon entropy
(bits a character) is above the plugin's limit. That takes more than 22 different characters for 4.5 bits and more than 8 for
3, which is what the gate looks for. Rounding is allowed for, so a few more may be told of than the plugins take, never
fewer. The plugin lowers the entropy of decimal numbers; here they keep it.
"""

import re

import numpy as np

# The first class has a backslash in it, as the plugin's has: it escapes "\\-_".
GATES = {
    "Base64HighEntropyString": (rb"'[A-Za-z0-9+/\\_=-]{23,}'", rb'"[A-Za-z0-9+/\\_=-]{23,}"'),
    "HexHighEntropyString": (rb"'[0-9A-Fa-f]{9,}'", rb'"[0-9A-Fa-f]{9,}"'),
}
# A line that gives a name such a string without quotes, as YAML, shell and .env files do. The plugins take it in files of
# some types only; what type a blob has its bytes do not say.
_NAME = rb"^[ \t]*(?:-[ \t]+|export[ \t]+)?['\"]?[A-Za-z0-9_.$-]+['\"]?[ \t]*[:=][ \t]*"
_REST = rb"[ \t]*[,;]?[ \t]*(?:#[^\r\n]*)?\r?$"
UNQUOTED_GATES = (_NAME + rb"[A-Za-z0-9+/\\_=-]{23,}" + _REST, _NAME + rb"[0-9A-Fa-f]{9,}" + _REST)
UNQUOTED = re.compile("(" + _NAME.decode() + r")([A-Za-z0-9+/\\_=-]+)(" + _REST.decode() + ")")

LIMITS = {"Base64HighEntropyString": 4.5, "HexHighEntropyString": 3.0}  # detect-secrets' own

_ROUNDING = 1e-9


def bits(value: bytes) -> float:
    """The Shannon entropy of these bytes, in bits a byte; of none it is 0."""
    counts = np.bincount(np.frombuffer(value, np.uint8))
    shares = counts[counts > 0] / len(value)
    return float(-(shares * np.log2(shares)).sum()) if value else 0.0


def is_high(content: bytes, end: int, plugin: str) -> bool:
    """Whether the string whose closing quote ends at ``end`` has more entropy than the plugin's limit.

    Args:
        content: The text.
        end: Where one of the plugin's patterns of :data:`GATES` ends in it.
        plugin: A key of :data:`GATES`.
    """
    closing = end - 1
    opening = content.rfind(content[closing:end], 0, closing)
    return bits(content[opening + 1 : closing]) > LIMITS[plugin] - _ROUNDING
