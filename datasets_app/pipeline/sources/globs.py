"""Patterns of paths as ``.gitignore`` and ``.gitattributes`` write them (gitignore(5)).

Matched a folder at a time, so that no pattern that a stranger wrote takes long, however many stars it has.
"""

import fnmatch
import functools
import re
from dataclasses import dataclass

LONGEST = 400  # characters; a longer pattern is none that a person wrote


@dataclass(frozen=True)
class Glob:
    """A pattern, relative to the folder that it stands in.

    ``*`` and ``?`` stop at a slash, ``**`` does not; a pattern without a slash, one at its end apart, matches at any depth.

    Attributes:
        parts: One expression for each folder and the name; None stands for ``**``.
        below: Whether it takes all that lies below what it matches.
        itself: Whether it takes a file of exactly that path: not where it ends in a slash.
    """

    parts: tuple[re.Pattern[str] | None, ...]
    below: bool
    itself: bool

    def matches(self, path: str) -> bool:
        """Whether it takes the file at this path."""
        names = path.split("/")
        reached = {0}  # how many names the parts up to here may have taken
        for part in self.parts:
            if part is None:
                reached = set(range(min(reached), len(names) + 1)) if reached else reached
            else:
                reached = {at + 1 for at in reached if at < len(names) and part.match(names[at])}
        return (self.itself and len(names) in reached) or (self.below and any(0 < at < len(names) for at in reached))


@functools.lru_cache(maxsize=4096)
def parse_glob(pattern: str, *, below: bool) -> Glob | None:
    """The pattern; None where it is none.

    Args:
        pattern: As it stands in the file.
        below: Whether a pattern that matches a folder takes all that lies below it, as in ``.gitignore``; in
            ``.gitattributes`` it does not.
    """
    body = pattern.strip("/")
    folder_only = pattern.endswith("/")
    if not body or len(pattern) > LONGEST or (folder_only and not below):
        return None
    parts: list[re.Pattern[str] | None] = [None if part == "**" else _name(part) for part in body.split("/")]
    if "/" not in pattern.rstrip("/") and parts[0] is not None:
        parts.insert(0, None)
    if parts[-1] is None and len(parts) > 1:
        parts.append(_name("*"))  # "a/**" takes what is in a, never a itself
    return Glob(tuple(parts), below, not folder_only)


def _name(part: str) -> re.Pattern[str]:
    """One name's pattern, in fnmatch's spelling: no backslashes, ``!`` for "none of"."""
    plain = re.sub(r"\\(.)", lambda found: f"[{found[1]}]", part).replace("[^", "[!")
    return re.compile(fnmatch.translate(plain))
