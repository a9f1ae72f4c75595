"""Keys and passwords: detect-secrets' own plugins, run on the lines where the gate hit and nowhere else.

:class:`SecretScanner` finds what ``SecretsCollection.scan_file`` of detect-secrets finds in a file of the same bytes whose
name says nothing of its type (StarCoder's pipeline named all of them ``.txt``), with the same plugins and the four
heuristic filters that pipeline used. More is found in two places: a line is looked at as it stands even if the file
reads as INI, and a token is told whole where the plugin gives a part of it (of a GitHub token just ``ghp``, of a JSON
Web Token no signature, of a private key its first words).

detect-secrets keeps its settings in the process's globals; here its plugins are plain objects, so any number of threads
may scan. Nothing is ever verified over the network.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.filters import heuristic
from detect_secrets.plugins.base import RegexBasedDetector

from datasets_app.pipeline.multipattern import MultiPattern
from datasets_app.pipeline.pii import entropy, ini, secret_gate

# The 18 plugins of StarCoder's pipeline, and after the empty line those that detect-secrets has got since then and
# PrivateKeyDetector, whose span here is the whole key. BasicAuthDetector stands for passwords (see detect.py);
# KeywordDetector takes any text in quotes behind "password", IPPublicDetector versions too: neither is used.
KEY_PLUGINS = (
    "ArtifactoryDetector",
    "AWSKeyDetector",
    "AzureStorageKeyDetector",
    "Base64HighEntropyString",
    "CloudantDetector",
    "DiscordBotTokenDetector",
    "GitHubTokenDetector",
    "HexHighEntropyString",
    "IbmCloudIamDetector",
    "IbmCosHmacDetector",
    "JwtTokenDetector",
    "MailchimpDetector",
    "NpmDetector",
    "SendGridDetector",
    "SlackDetector",
    "SoftlayerDetector",
    "StripeDetector",
    "TwilioKeyDetector",
    #
    "GitLabTokenDetector",
    "OpenAIDetector",
    "PrivateKeyDetector",
    "PypiTokenDetector",
    "SquareOAuthDetector",
    "TelegramBotTokenDetector",
)
PASSWORD_PLUGINS = ("BasicAuthDetector",)
ALL_PLUGINS = tuple(sorted({*secret_gate.PATTERNS, *secret_gate.ENTROPY_PLUGINS}))

# The filters of StarCoder's pipeline, by their names in detect-secrets.
FILTERS = ("is_potential_uuid", "is_likely_id_string", "is_templated_secret", "is_sequential_string")

_SHORTEST_REPEATED = 8  # bytes; a shorter value is no secret wherever else it stands
_WHOLE = {"GitHubTokenDetector", "GitLabTokenDetector"}  # their groups hold a part of the token
_TOKEN_REST = re.compile(rb"[A-Za-z0-9_.+/=-]*")
_KEY_BLOCK = re.compile(
    rb"(?:-----)?[^\r\n]*(?:\r?\n|\\r\\n|\\n)(?:[^\r\n]*\r?\n)*?[^\r\n]*?END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
)
_LONGEST_KEY_BLOCK = 20_000  # bytes; a PGP key block may be long
_HOLDS_ANYTHING = re.compile(rb"[A-Za-z0-9+/\\_=-]{23}|[0-9A-Fa-f]{9}|(?i:aws)")


@dataclass(frozen=True, order=True)
class Secret:
    """Bytes ``start`` to ``end`` of the text that ``plugin`` of detect-secrets took for a secret."""

    start: int
    end: int
    plugin: str


class SecretScanner:
    """Finds secrets with some of detect-secrets' plugins."""

    def __init__(self, plugins: Sequence[str]) -> None:
        """Prepare.

        Args:
            plugins: Names of plugin classes of detect-secrets.

        Raises:
            ValueError: There is no such plugin, or no gate for it.
        """
        by_type: dict[str, Any] = get_mapping_from_secret_type_to_class()
        classes: dict[str, Any] = {one.__name__: one for one in by_type.values()}
        for name in plugins:
            if name not in classes or name not in ALL_PLUGINS:
                raise ValueError(f"plugins: detect-secrets has no {name}, or secret_gate.py has no patterns for it")
        self._plugins: dict[str, Any] = {name: classes[name]() for name in plugins}
        patterns: list[tuple[bytes, int]] = []
        owners: list[str | None] = []  # None: all of them
        for name in plugins:
            own = ((entropy.GATES[name], 0),) if name in entropy.GATES else secret_gate.PATTERNS[name]
            patterns.extend(own)
            owners.extend([name] * len(own))
        for pattern in secret_gate.unusual():
            patterns.append(pattern)
            owners.append(None)
        self.patterns = tuple(patterns)
        self._owners = tuple(owners)

    def scan(
        self, content: bytes, hits: Iterable[tuple[int, int]], gate: Callable[[bytes], Iterable[tuple[int, int]]]
    ) -> list[Secret]:
        """The secrets of a text, sorted; the same bytes may be told by several plugins.

        Args:
            content: UTF-8 text.
            hits: Which of ``self.patterns`` end where in it, as :meth:`MultiPattern.ends` tells.
            gate: The same for any text.
        """
        hits = list(hits)
        found: set[Secret] = set()
        for start, names in self._hit_lines(content, hits).items():
            end = _line_end(content, start)
            for name, value, at, size in self._of_line(content[start:end].decode(), names):
                found.add(self._widen(content, Secret(start + at, start + at + size, name)))
                if len(value) >= _SHORTEST_REPEATED and name not in PASSWORD_PLUGINS:
                    found.update(Secret(one, one + len(value), name) for one in _places(content, value))
        if ini.may_parse(content) and (hits or _HOLDS_ANYTHING.search(content)):
            found.update(self._quoted(content, gate, section=False))
            if not found:
                found.update(self._quoted(content, gate, section=True))
        return sorted(found)

    def _quoted(
        self, content: bytes, gate: Callable[[bytes], Iterable[tuple[int, int]]], *, section: bool
    ) -> Iterator[Secret]:
        lines = ini.quoted_lines(content, section=section)
        if not lines:
            return
        text = "\n".join(lines).encode()
        for start, names in self._hit_lines(text, gate(text)).items():
            for name, value, _at, _size in self._of_line(text[start : _line_end(text, start)].decode(), names):
                for raw in {value, value.replace(b'\\"', b'"')} - {b""}:
                    for place in _places(content, raw):
                        yield self._widen(content, Secret(place, place + len(raw), name))

    def _hit_lines(self, content: bytes, hits: Iterable[tuple[int, int]]) -> dict[int, set[str]]:
        """For each line that must be looked at, by its start: by which plugins."""
        lines: dict[int, set[str]] = {}
        returns = b"\r" in content
        for pattern, end in hits:
            name = self._owners[pattern]
            if name in entropy.GATES and not entropy.is_high(content, end, name):
                continue
            start = content.rfind(b"\n", 0, end - 1) + 1
            if returns:
                start = max(start, content.rfind(b"\r", start, end - 1) + 1)
            lines.setdefault(start, set()).update((name,) if name else self._plugins)
        return lines

    def _of_line(self, text: str, names: Iterable[str]) -> Iterator[tuple[str, bytes, int, int]]:
        """What the plugins take from a line: (plugin, value, offset in the line, size), all in bytes."""
        line = text.rstrip()
        for name in names:
            plugin = self._plugins[name]
            for secret in plugin.analyze_line(filename="text.txt", line=line):
                value = secret.secret_value
                if not value or _is_filtered(value, line, plugin):
                    continue
                for start, end in _spans_in_line(plugin, line, value):
                    yield name, value.encode(), len(line[:start].encode()), len(line[start:end].encode())

    @staticmethod
    def _widen(content: bytes, secret: Secret) -> Secret:
        """The whole token or key of which the plugin gave the start."""
        end = secret.end
        if secret.plugin == "JwtTokenDetector":
            rest = _TOKEN_REST.match(content, end)
            assert rest is not None  # it takes nothing too
            end = rest.end()
        elif secret.plugin == "PrivateKeyDetector":
            block = _KEY_BLOCK.match(content, end, end + _LONGEST_KEY_BLOCK)
            end = block.end() if block else end
            start = secret.start - 5 if content[: secret.start].endswith(b"-----") else secret.start
            return Secret(start, end, secret.plugin)
        return Secret(secret.start, end, secret.plugin)


def gate_of(scanner: SecretScanner) -> MultiPattern:
    """A gate for this scanner alone; ``detect.py`` has one for everything together."""
    return MultiPattern(scanner.patterns)


def _line_end(content: bytes, start: int) -> int:
    end = content.find(b"\n", start)
    end = len(content) if end < 0 else end
    found = content.find(b"\r", start, end)
    return end if found < 0 else found


def _places(content: bytes, value: bytes) -> Iterator[int]:
    at = content.find(value)
    while at >= 0:
        yield at
        at = content.find(value, at + len(value))


def _is_filtered(value: str, line: str, plugin: Any) -> bool:
    return (
        heuristic.is_potential_uuid(value)
        or heuristic.is_likely_id_string(value, line, plugin)
        or heuristic.is_templated_secret(value)
        or heuristic.is_sequential_string(value)
    )


def _spans_in_line(plugin: Any, line: str, value: str) -> Iterator[tuple[int, int]]:
    """Where in the line the plugin saw this value, in characters."""
    found = False
    if isinstance(plugin, RegexBasedDetector):
        for expression in plugin.denylist:
            for match in expression.finditer(line):
                groups = range(1, expression.groups + 1) if expression.groups else (0,)
                for group in groups:
                    if match[group] == value:
                        found = True
                        yield match.span() if type(plugin).__name__ in _WHOLE else match.span(group)
    at = line.find(value)
    while at >= 0 and not found:
        yield at, at + len(value)
        at = line.find(value, at + len(value))
