"""One plugin of detect-secrets on one line: what it takes there, what the published filters leave, and where it stands.

detect-secrets gives values without places, and its filters go over the line again for each value, so that a line with
thousands of digests would take the square of its length. Here the line is gone over once a plugin.
"""

import re
from collections.abc import Iterator
from typing import Any

from detect_secrets.filters import heuristic
from detect_secrets.plugins.base import RegexBasedDetector
from detect_secrets.plugins.high_entropy_strings import HighEntropyStringsPlugin

# The filters of StarCoder's pipeline, by their names in detect-secrets.
FILTERS = ("is_potential_uuid", "is_likely_id_string", "is_templated_secret", "is_sequential_string")

_WHOLE = {"GitHubTokenDetector", "GitLabTokenDetector"}  # their groups hold a part of the token
_ID = re.compile(r"(^(id|myid|userid)|_id)s?[^a-z0-9]", re.I)  # that of heuristic.is_likely_id_string


def secrets_of_line(plugin: Any, line: str) -> Iterator[tuple[int, int, str]]:
    """The secrets of a line: (start, end, value as detect-secrets gives it), in characters, in no order.

    Args:
        plugin: An object of a plugin class.
        line: Without white space at its end.
    """
    values = {secret.secret_value for secret in plugin.analyze_line(filename="text.txt", line=line)} - {"", None}
    if not values:
        return
    places = _places(plugin, line)
    identifier = None if isinstance(plugin, RegexBasedDetector) else _ID.search(line)
    for value in values:
        if heuristic.is_potential_uuid(value) or heuristic.is_templated_secret(value):
            continue
        if heuristic.is_sequential_string(value) or (identifier and identifier.end() <= line.find(value)):
            continue
        for start, end in places.get(value) or _anywhere(line, value):
            yield start, end, value


def _places(plugin: Any, line: str) -> dict[str, list[tuple[int, int]]]:
    """Where the plugin's expressions see each value."""
    places: dict[str, list[tuple[int, int]]] = {}
    if isinstance(plugin, HighEntropyStringsPlugin):
        for match in plugin.regex.finditer(line):
            places.setdefault(match[2], []).append(match.span(2))
    elif isinstance(plugin, RegexBasedDetector):
        whole = type(plugin).__name__ in _WHOLE
        for expression in plugin.denylist:
            groups = range(1, expression.groups + 1) if expression.groups else (0,)
            for match in expression.finditer(line):
                for group in groups:
                    if match[group]:
                        places.setdefault(match[group], []).append(match.span(0 if whole else group))
    return places


def _anywhere(line: str, value: str) -> Iterator[tuple[int, int]]:
    at = line.find(value)
    while at >= 0:
        yield at, at + len(value)
        at = line.find(value, at + len(value))
