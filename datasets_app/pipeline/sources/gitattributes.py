"""What a repository says of its own files in ``.gitattributes``: ``linguist-vendored`` and ``linguist-generated``.

As gitattributes(5) has it: the file in the deepest folder decides, in it the last line that matches. ``attr`` and
``attr=true`` set, ``-attr`` and ``attr=false`` unset, ``!attr`` leaves it to the rules of :mod:`datasets_app.pipeline.marks`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from datasets_app.pipeline.sources.globs import Glob, parse_glob

FILE_NAME = ".gitattributes"
LIMIT = 1_000_000  # bytes of a file that is read
MOST_RULES = 200  # in one file; all of them are tried for each file below its folder
_KNOWN = {"linguist-vendored": "vendored", "linguist-generated": "generated"}
_VALUES = {"": True, "true": True, "false": False}


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: Glob
    attribute: str
    value: bool | None


class Attributes:
    """The marks that a repository gives its files.

    Args:
        files: The content of each ``.gitattributes``, by the folder that it stands in (``""``, ``src/lib``).
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._rules = {folder: rules for folder, content in files.items() if (rules := _parse(content))}

    def mark(self, path: str, attribute: str) -> bool | None:
        """Whether a file is ``vendored`` or ``generated``; None where the repository does not say."""
        folder = path
        while self._rules and folder:
            folder = folder.rpartition("/")[0]
            below = path[len(folder) + 1 :] if folder else path
            for rule in reversed(self._rules.get(folder, [])):
                if rule.attribute == attribute and rule.pattern.matches(below):
                    return rule.value
        return None


def _parse(content: bytes) -> list[_Rule]:
    rules: list[_Rule] = []
    for line in content.decode("utf-8", errors="replace").splitlines():
        words = line.split()
        if len(words) < 2 or words[0].startswith(("#", "!")) or len(rules) >= MOST_RULES:
            continue
        pattern = parse_glob(words[0].strip('"'), below=False)
        if pattern is None:
            continue
        for word in words[1:]:
            name, _, value = word.lstrip("-!").partition("=")
            if name not in _KNOWN or (not word.startswith(("-", "!")) and value.lower() not in _VALUES):
                continue
            meant = None if word[0] == "!" else False if word[0] == "-" else _VALUES[value.lower()]
            rules.append(_Rule(pattern, _KNOWN[name], meant))
    return rules
