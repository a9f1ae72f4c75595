"""What a repository reserves for itself in a file that machines can read; docs/reservation.md tells it to owners.

Three files are read, before anything of the repository is stored:

* ``.fairstack.toml``, our own, in any folder, for what lies in that folder. In doubt it reserves: where it cannot be read or
  understood, everything below its folder is reserved.
* ``.well-known/tdmrep.json`` at the top: the TDM Reservation Protocol of the W3C community group (final report of 2024). A
  location that is reserved once is reserved; a file that is no JSON reserves everything.
* ``ai.txt`` at the top, as Spawning publishes it: groups and rules as in robots.txt (RFC 9309), of which those for all agents
  count. The longest rule that matches decides, at equal length the one that allows.
"""

import json
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from datasets_app.pipeline.sources.base import FileSkipped, SourceFile
from datasets_app.pipeline.sources.globs import parse_glob

OWN, TDMREP, AI_TXT = ".fairstack.toml", ".well-known/tdmrep.json", "ai.txt"
LIMIT = 200_000  # bytes of such a file; a larger one is read as one that cannot be understood
MOST_RULES = 200

Covers = Callable[[str], bool]


@dataclass(frozen=True)
class Reservation:
    """What is reserved: each rule with the folder that it holds for (``""`` is the whole repository)."""

    rules: tuple[tuple[str, Covers], ...] = ()

    def covers(self, path: str) -> bool:
        """Whether the file at this path may not be used."""
        return any(
            covers(path[len(folder) :].lstrip("/"))
            for folder, covers in self.rules
            if not folder or path.startswith(f"{folder}/")
        )


def read(files: Iterable[SourceFile]) -> Reservation:
    """What the files of one repository reserve. Reads those three kinds of file alone."""
    rules = []
    for file in files:
        folder, _, name = file.path.rpartition("/")
        reader = _own if name == OWN else {TDMREP: _tdmrep, AI_TXT: _ai_txt}.get(file.path)
        if reader is None:
            continue
        try:
            content = file.read(LIMIT).decode("utf-8-sig")
        except (FileSkipped, UnicodeDecodeError):
            content = None
        if (covers := reader(content)) is not None:
            rules.append((folder if reader is _own else "", covers))
    return Reservation(tuple(rules))


def _everything(path: str) -> bool:
    return True


def _own(content: str | None) -> Covers | None:
    """``[training]`` ``reserved = true``, or a list of patterns as in ``.gitignore``, of which the last that matches decides."""
    try:
        training = tomllib.loads(content or "reserved").get("training", {})
        reserved = training.get("reserved", False)
    except (tomllib.TOMLDecodeError, AttributeError):
        return _everything
    if reserved is False:
        return None
    if not isinstance(reserved, list) or len(reserved) > MOST_RULES:
        return _everything
    patterns = [(one, parse_glob(one.removeprefix("!"), below=True)) for one in reserved if isinstance(one, str)]
    if len(patterns) < len(reserved) or any(glob is None for _, glob in patterns):
        return _everything

    def covers(path: str) -> bool:
        matching = (pattern for pattern, glob in reversed(patterns) if glob is not None and glob.matches(path))
        return not next(matching, "!").startswith("!")

    return covers


def _tdmrep(content: str | None) -> Covers | None:
    try:
        entries: Any = json.loads(content or "")
    except (ValueError, RecursionError):
        return _everything
    if not isinstance(entries, list) or len(entries) > MOST_RULES:
        return _everything
    locations = [
        str(entry.get("location", "/"))
        for entry in entries
        if isinstance(entry, dict) and entry.get("tdm-reservation") in (1, "1", True)
    ]
    return (lambda path: any(web_matches(one, path) for one in locations)) if locations else None


def _ai_txt(content: str | None) -> Covers | None:
    if content is None:
        return None  # a file of this name may be anything
    rules: list[tuple[int, bool, str]] = []
    ours, in_agents = False, False
    for line in content.splitlines():
        name, colon, value = line.partition("#")[0].partition(":")
        name, value = name.strip().lower(), value.strip()
        if not colon:
            continue
        if name == "user-agent":
            ours = (ours and in_agents) or value == "*"
            in_agents = True
        elif name in ("allow", "disallow"):
            in_agents = False
            if ours and value and len(rules) < MOST_RULES:
                rules.append((len(value), name == "allow", value))
    if not any(not allowed for _, allowed, _ in rules):
        return None
    rules.sort(reverse=True)

    def covers(path: str) -> bool:
        return next((not allowed for _, allowed, pattern in rules if web_matches(pattern, path)), False)

    return covers


def web_matches(pattern: str, path: str) -> bool:
    """Whether a pattern of robots.txt (RFC 9309, 2.2.3) matches a path: from its start, ``*`` any characters, ``$`` the end.

    A pattern without a leading slash is taken as if it could begin anywhere in the path, as ``*.py`` is.
    """
    path = f"/{path}"
    ended = pattern.endswith("$")
    first, *others = pattern.removesuffix("$").split("*")
    if first and not first.startswith("/"):
        first, others = "", [first, *others]
    if not path.startswith(first):
        return False
    at = len(first)
    for part in others:
        found = path.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    if not ended or at == len(path):
        return True
    return bool(others) and path.endswith(others[-1]) and len(path) - len(others[-1]) >= at - len(others[-1])
