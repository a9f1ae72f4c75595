"""Tables of the REUSE Specification (3.3) that state licences for many files at once: ``REUSE.toml`` and ``.reuse/dep5``.

A table speaks for the paths below its folder. Within one table the last entry that matches a path counts; of several
``REUSE.toml`` up the tree the nearest, unless one further up says ``override``.
"""

import functools
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from datasets_app.pipeline import licences
from datasets_app.pipeline.licences import Licence

TOML = "REUSE.toml"
DEP5 = ".reuse/dep5"
CLOSEST, AGGREGATE, OVERRIDE = "closest", "aggregate", "override"
MOST_GLOBS = 500  # of one table: each is tried on each file below it. A table with more is not understood
MOST_SIGNS = 10  # of one pattern


@dataclass(frozen=True)
class Entry:
    """What a table says of the paths that match: how it stands to what a file says itself, and the licence."""

    path: "Glob"
    precedence: str
    licence: Licence


class Table:
    """One table: the folder below which it speaks ("" for the root), and its entries."""

    def __init__(self, folder: str, entries: Iterable[Entry]) -> None:
        """Sort the entries: plain paths are looked up, patterns are tried.

        Raises:
            ValueError: There are more patterns than :data:`MOST_GLOBS`.
        """
        self.folder = folder
        self._plain: dict[str, tuple[int, Entry]] = {}
        self._globs: list[tuple[int, Entry]] = []
        for number, entry in enumerate(entries):
            if (plain := entry.path.plain) is not None:
                self._plain[plain] = number, entry
            else:
                self._globs.append((number, entry))
        if len(self._globs) > MOST_GLOBS:
            raise ValueError(f"{len(self._globs)} patterns")

    def of(self, path: str) -> Entry | None:
        """The entry for a path of the repository below the folder, or None."""
        inner = path[len(self.folder) + 1 :] if self.folder else path
        plain = self._plain.get(inner)
        for number, entry in reversed(self._globs):
            if plain is not None and plain[0] > number:
                break
            if entry.path.matches(inner):
                return entry
        return plain[1] if plain else None


def read(path: str, content: bytes) -> Table | None:
    """The table in this file of a repository; None where the file is none.

    A table that cannot be understood is one that speaks for every path below it, with a licence that is not recognised.
    """
    folder, _, name = path.rpartition("/")
    if name == TOML:
        reader = _toml
    elif path == DEP5:
        folder, reader = "", _dep5
    else:
        return None
    try:
        return Table(folder, reader(content.decode("utf-8"), path))
    except (
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        RecursionError,
    ):  # of UTF-8, of TOML, of another kind of value
        unknown = Licence(None, f"not understood: {path}", False)
        return Table(folder, [Entry(_everything(), OVERRIDE, unknown)])


def _toml(text: str, source: str) -> Iterable[Entry]:
    table: dict[str, Any] = tomllib.loads(text)
    if table.get("version") != 1:
        raise ValueError(source)
    for annotation in table.get("annotations", []):
        precedence = annotation.get("precedence", CLOSEST)
        if precedence not in (CLOSEST, AGGREGATE, OVERRIDE):
            raise ValueError(source)
        if (stated := annotation.get("SPDX-License-Identifier")) is None:
            continue  # it speaks of the copyright alone
        licence = _licence(_texts(stated), source)
        for pattern in _texts(annotation["path"]):
            yield Entry(_toml_pattern(pattern), precedence, licence)


def _dep5(text: str, source: str) -> Iterable[Entry]:
    for paragraph in re.split(r"\n\s*\n", text.replace("\r\n", "\n")):
        fields = {
            name.lower(): value.strip()
            for name, value in re.findall(r"^([A-Za-z-]+):((?:.*)(?:\n[ \t].*)*)", paragraph, re.MULTILINE)
        }
        if "files" not in fields:
            continue
        first = fields["license"].splitlines()[0]
        # Debian writes "or" and "and" small, as SPDX does not.
        expression = re.sub(r"\b(or|and|with)\b", lambda word: word[0].upper(), first)
        for pattern in fields["files"].split():
            yield Entry(_dep5_pattern(pattern), CLOSEST, _licence([expression], source))


def _licence(expressions: list[str], source: str) -> Licence:
    known = [licences.from_expression(expression) for expression in expressions]
    whole = licences.combine([one for one in known if one]) if known and all(known) else None
    evidence = f"table {source}" if whole else f"not understood: {source}"
    return Licence(whole, evidence, licences.is_permissive(whole))


def _texts(value: Any) -> list[str]:
    values = [value] if isinstance(value, str) else list(value)
    if not all(isinstance(one, str) for one in values):
        raise TypeError(value)
    return values


@dataclass(frozen=True)
class Glob:
    """A pattern of paths: parts that are text, or one of ``*`` (anything but slashes), ``**`` (anything), ``?`` (one character).

    It is matched place by place and not by a regular expression: repositories are strangers', and stars can be made such that
    an expression tries them in every combination.
    """

    parts: tuple[tuple[str, bool], ...]  # text, and whether it is a sign

    @property
    def plain(self) -> str | None:
        """The one path that matches, where there is no sign."""
        return "".join(text for text, _ in self.parts) if not any(is_sign for _, is_sign in self.parts) else None

    def matches(self, path: str) -> bool:
        """Whether the whole path matches. Takes time like the product of both lengths, at most."""
        places = {0}
        for text, is_sign in self.parts:
            if not is_sign:
                places = {place + len(text) for place in places if path.startswith(text, place)}
            elif text == "?":
                places = {place + 1 for place in places if place < len(path)}
            elif text == "**":
                places = set(range(min(places), len(path) + 1))
            else:
                places = _reached(path, places)
            if not places:
                return False
        return len(path) in places


def _reached(path: str, places: set[int]) -> set[int]:
    """Where one star may end that begins at one of these places."""
    found: set[int] = set()
    for place in sorted(places):
        if place in found:
            continue
        slash = path.find("/", place)
        found.update(range(place, (len(path) if slash < 0 else slash) + 1))
    return found


@functools.cache
def _everything() -> Glob:
    return Glob((("**", True),))


def _toml_pattern(glob: str) -> Glob:
    """``*`` is anything but a slash, ``**`` anything; a backslash takes the next character as it is."""
    return _glob(re.findall(r"\\.|\*+|[^\\*]+|\\", glob, re.DOTALL), {1: "*", 2: "**"})


def _dep5_pattern(glob: str) -> Glob:
    """``*`` is anything, slashes too; ``?`` one character."""
    return _glob(re.findall(r"\\.|\*+|\?|[^\\*?]+|\\", glob.removeprefix("./"), re.DOTALL), {1: "**", 2: "**"}, "?")


def _glob(parts: list[str], stars: dict[int, str], one: str = "") -> Glob:
    made: list[tuple[str, bool]] = []
    for part in parts:
        if part[0] == "*":
            made.append((stars[min(len(part), 2)], True))
        elif part == one:
            made.append((part, True))
        else:
            text = part[1:] if part[0] == "\\" and len(part) > 1 else part
            made.append((text, False))
    joined: list[tuple[str, bool]] = []
    for text, is_sign in made:
        if joined and not is_sign and not joined[-1][1]:
            joined[-1] = (joined[-1][0] + text, False)
        else:
            joined.append((text, is_sign))
    if sum(is_sign for _, is_sign in joined) > MOST_SIGNS:
        raise ValueError(f"more than {MOST_SIGNS} signs in a pattern")
    return Glob(tuple(joined))
