"""Keys and passwords: detect-secrets' own plugins, run on the lines where the gate hit and nowhere else.

:class:`SecretScanner` finds what ``SecretsCollection.scan_file`` of detect-secrets finds in a file of the same bytes whose
name says nothing of its type (StarCoder's pipeline named all of them ``.txt``), with the same plugins and the four
heuristic filters that pipeline used. More is found in three
places: a line is looked at as it stands even if the file reads as INI; a value without quotes is looked at wherever it is
all that its line gives to a name; and a token is told whole where the plugin gives a part of it (of a GitHub token just
``ghp``, of a JSON Web Token no signature, of a private key its first words).

detect-secrets keeps its settings in the process's globals; here its plugins are plain objects, so any number of threads
may scan. Nothing is ever verified over the network.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import hyperscan
from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class

from datasets_app.pipeline.multipattern import MultiPattern
from datasets_app.pipeline.pii import entropy, ini, secret_gate
from datasets_app.pipeline.pii.secret_lines import secrets_of_line

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

_UNQUOTED = "unquoted"  # stands among the plugins for the entropy plugins on a line without quotes
_TOKEN_REST = re.compile(rb"[A-Za-z0-9_.+/=-]*")
_KEY_END = re.compile(rb"-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----")
_KEY_BODY = re.compile(rb"[A-Za-z0-9+/=]")
_SHORTEST_KEY_BODY = 48  # characters of Base64
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
        self._entropy = [name for name in plugins if name in entropy.GATES]
        patterns: list[tuple[bytes, int]] = []
        owners: list[str | None] = []  # None: all of them
        for name in plugins:
            own = [(gate, 0) for gate in entropy.GATES.get(name, ())] or secret_gate.PATTERNS[name]
            patterns.extend(own)
            owners.extend([name] * len(own))
        if self._entropy:
            patterns.extend((gate, hyperscan.HS_FLAG_MULTILINE) for gate in entropy.UNQUOTED_GATES)
            owners.extend([_UNQUOTED] * len(entropy.UNQUOTED_GATES))
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
            for name, _value, at, size in self._of_line(content[start:end].decode(), names):
                found.add(self._widen(content, Secret(start + at, start + at + size, name)))
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
        line, line_end = 0, -1  # that of the hit before
        for pattern, end in hits:
            name = self._owners[pattern]
            if name in entropy.GATES and not entropy.is_high(content, end, name):
                continue
            if end > line_end:
                line = content.rfind(b"\n", 0, end - 1) + 1
                if returns:
                    line = max(line, content.rfind(b"\r", line, end - 1) + 1)
                line_end = _line_end(content, line)
            lines.setdefault(line, set()).update((name,) if name else self._plugins)
        return lines

    def _of_line(self, text: str, names: Iterable[str]) -> Iterator[tuple[str, bytes, int, int]]:
        """What the plugins take from a line: (plugin, value, offset in the line, size), all in bytes."""
        line = text.rstrip()
        for name in names:
            if name == _UNQUOTED:
                yield from self._unquoted(line)
                continue
            for start, end, value in secrets_of_line(self._plugins[name], line):
                yield name, value.encode(), len(line[:start].encode()), len(line[start:end].encode())

    def _unquoted(self, line: str) -> Iterator[tuple[str, bytes, int, int]]:
        """The same of the entropy plugins, with quotes put around the line's value."""
        parts = entropy.UNQUOTED.fullmatch(line)
        if parts is None:
            return
        start, value = len(parts[1].encode()), parts[2].encode()
        for name, found, _at, _size in self._of_line(f'{parts[1]}"{parts[2]}"', self._entropy):
            if found == value:
                yield name, value, start, len(value)

    @staticmethod
    def _widen(content: bytes, secret: Secret) -> Secret:
        """The whole token or key of which the plugin gave the start."""
        end = secret.end
        if secret.plugin == "JwtTokenDetector":
            rest = _TOKEN_REST.match(content, end)
            assert rest is not None  # it takes nothing too
            end = rest.end()
        elif secret.plugin == "PrivateKeyDetector":
            last = _KEY_END.search(content, end, end + _LONGEST_KEY_BLOCK)
            if last is not None and len(_KEY_BODY.findall(content, end, last.start())) >= _SHORTEST_KEY_BODY:
                dashes = content[max(0, secret.start - 5) : secret.start] == b"-----"
                return Secret(secret.start - 5 * dashes, last.end(), secret.plugin)
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
