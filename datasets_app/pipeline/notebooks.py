"""Jupyter notebooks as text to learn from: as a script, and as structured text.

A notebook is JSON (nbformat 4, or 3 with its work sheets), most of it output and pictures, so StarCoder has notebooks in two
sets of their own and not among the code (arXiv 2305.06161, section 3.3):

* *script*: one file in the notebook's language, the prose as comments, magics commented out, no output (there by Jupytext;
  our comments are plain lines, without its header and cell marks);
* *structured*: ``<jupyter_start><jupyter_text>..<jupyter_code>..<jupyter_output>..`` and again, neighbouring cells of one kind
  merged, of their outputs the last one that is text, ``<empty_output>`` where there is none. Notebooks in Python alone, with both
  prose and code.

Strings that are special tokens are taken out of the cells: in structured text nothing but the structure may look like one.
"""

import json
import re
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeGuard

LARGEST_OUTPUT = 2000  # characters kept of an output; ours: a table of a thousand rows teaches nothing
SPECIAL = re.compile(
    r"<\|endoftext\|>|<(?:fim_prefix|fim_middle|fim_suffix|fim_pad|filename|gh_stars|issue_start|issue_comment|issue_closed"
    r"|jupyter_start|jupyter_text|jupyter_code|jupyter_output|empty_output|commit_before|commit_msg|commit_after|reponame)>"
)
REASONS = {
    "not_json": "it is not JSON",
    "not_a_notebook": "it is JSON, but no notebook of nbformat 3 or 4",
    "unknown_language": "its language is not stated, or one whose comments are not known",
    "not_python": "it is not in Python",
    "no_code": "it has no code",
    "no_text": "it has no prose",
}
"""Why a notebook cannot be turned into text, each to follow "This notebook is left out: "."""

# Language as kernels name it, in lower case -> what begins and what ends a line of comment.
_COMMENTS = {
    **dict.fromkeys(
        ("python", "r", "julia", "ruby", "bash", "shell", "perl", "powershell", "sage", "elixir", "nim", "tcl"),
        ("# ", ""),
    ),
    **dict.fromkeys(
        (
            "c++",
            "c",
            "java",
            "javascript",
            "typescript",
            "scala",
            "rust",
            "go",
            "kotlin",
            "swift",
            "groovy",
            "c#",
            "f#",
            "d",
        ),
        ("// ", ""),
    ),
    **dict.fromkeys(("haskell", "lua", "sql"), ("-- ", "")),
    **dict.fromkeys(("matlab", "octave", "prolog", "erlang"), ("% ", "")),
    **dict.fromkeys(("clojure", "scheme", "racket", "common lisp"), (";; ", "")),
    **dict.fromkeys(("ocaml", "wolfram language", "mathematica", "coq"), ("(* ", " *)")),
}
_SAME = {
    "ipython": "python", "python3": "python", "python2": "python", "ir": "r", "sagemath": "sage", "csharp": "c#",
    ".net (c#)": "c#", "fsharp": "f#", "gophernotes": "go", "cpp": "c++", "c++11": "c++", "c++14": "c++", "c++17": "c++",
    "c++20": "c++", "calysto_scheme": "scheme", "js": "javascript", "node": "javascript", "sh": "bash",
    "lisp": "common lisp", "wolfram": "wolfram language",
}  # fmt: skip
_MAGIC = re.compile(r"\s*(?:%{1,2}[a-zA-Z]|[!?]\s*\w|\w[\w.]*\?{1,2}\s*$)")
_NOISE = re.compile(r"^<[^\n]*>$")  # the name of an object, such as <Figure size 640x480 with 1 Axes>


class NotebookUnusable(ValueError):
    """A notebook that cannot be turned into the text that was asked for.

    Args:
        reason: A key of :data:`REASONS`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"This notebook is left out: {REASONS[reason]}.")
        self.reason = reason


@dataclass(frozen=True)
class Cell:
    """One cell with something in it: ``kind`` is "text" or "code", ``output`` the first output of it that is text, or empty."""

    kind: str
    source: str
    output: str = ""


@dataclass(frozen=True)
class Notebook:
    """What a notebook holds: its language in lower case, empty if it is not stated, and its cells that are not empty."""

    language: str
    cells: tuple[Cell, ...]


def parse(content: bytes) -> Notebook:
    """Read a notebook.

    Args:
        content: The bytes of an ``.ipynb`` file.

    Raises:
        NotebookUnusable: It is not JSON, or no notebook.
    """
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise NotebookUnusable("not_json") from error
    if not isinstance(document, dict) or document.get("nbformat") not in (3, 4):
        raise NotebookUnusable("not_a_notebook")
    if document["nbformat"] == 4:
        entries = document.get("cells")
    else:
        sheets = document.get("worksheets")
        entries = [cell for sheet in sheets for cell in _list(sheet, "cells")] if _are_dicts(sheets) else None
    if not _are_dicts(entries):
        raise NotebookUnusable("not_a_notebook")
    cells = tuple(cell for entry in entries if (cell := _cell(entry)))
    return Notebook(_language(document.get("metadata"), entries), cells)


def as_script(content: bytes) -> str:
    """A notebook as one file in its language, prose as comments; it ends with a line's end.

    Raises:
        NotebookUnusable: It cannot be read, has no code, or its language is not known.
    """
    notebook = parse(content)
    if notebook.language not in _COMMENTS:
        raise NotebookUnusable("unknown_language")
    if not any(cell.kind == "code" for cell in notebook.cells):
        raise NotebookUnusable("no_code")
    opening, closing = _COMMENTS[notebook.language]

    def comment(line: str) -> str:
        return f"{opening}{line}{closing}".rstrip() if line.strip() else opening.rstrip() + closing.rstrip()

    blocks = []
    for cell in notebook.cells:
        lines = cell.source.splitlines()
        # A magic of a whole cell means that the cell is in another language, or is not Python at all.
        foreign = cell.kind == "text" or lines[0].lstrip().startswith("%%")
        blocks.append("\n".join(comment(line) if foreign or _MAGIC.match(line) else line for line in lines))
    return "\n\n".join(blocks) + "\n"


def as_structured(content: bytes) -> str:
    """A notebook in Python as prose, code and output in turn, with the special tokens of StarCoder between them.

    Raises:
        NotebookUnusable: It cannot be read, is not in Python, or has no code or no prose.
    """
    notebook = parse(content)
    if notebook.language != "python":
        raise NotebookUnusable("not_python")
    for kind, reason in (("code", "no_code"), ("text", "no_text")):
        if not any(cell.kind == kind for cell in notebook.cells):
            raise NotebookUnusable(reason)
    parts = ["<jupyter_start>"]
    for kind, group in groupby(notebook.cells, key=lambda cell: cell.kind):
        cells = list(group)
        source = "\n".join(cell.source for cell in cells)
        parts.append(f"<jupyter_{kind}>{source}")
        if kind == "code":
            parts.append(f"<jupyter_output>{cells[-1].output or '<empty_output>'}")
    return "".join(parts)


def _cell(entry: dict[str, Any]) -> Cell | None:
    """A cell of nbformat 3 or 4; None if it is empty, or neither code nor prose."""
    kind = entry.get("cell_type")
    source = _plain(_text(entry.get("source", entry.get("input")))).strip("\n").rstrip()
    if not source.strip():
        return None
    if kind == "code":
        return Cell("code", source, _output(entry))
    if kind == "heading":
        level = entry.get("level", 1)
        return Cell("text", f"{'#' * (level if level in range(1, 7) else 1)} {source}")
    return Cell("text", source) if kind == "markdown" else None


def _plain(text: str) -> str:
    """The text without special tokens, nor any that come together where one was taken out."""
    while SPECIAL.search(text):
        text = SPECIAL.sub("", text)
    return text


def _output(entry: dict[str, Any]) -> str:
    """The first output of a cell that is text: what it printed, or a result that is shown as text alone."""
    for output in _list(entry, "outputs"):
        if not isinstance(output, dict) or output.get("output_type") in ("error", "pyerr"):
            continue
        data = output.get("data")
        text = _text(output.get("text") or (data.get("text/plain") if isinstance(data, dict) else None))
        text = _plain(text).strip("\n").rstrip()
        if text.strip() and not _NOISE.match(text):
            return text[:LARGEST_OUTPUT]
    return ""


def _language(metadata: object, entries: list[dict[str, Any]]) -> str:
    metadata = metadata if isinstance(metadata, dict) else {}
    info, kernel = (
        part if isinstance(part, dict) else {} for part in (metadata.get("language_info"), metadata.get("kernelspec"))
    )
    of_cells = [entry.get("language") for entry in entries if entry.get("cell_type") == "code"]
    stated = (info.get("name"), kernel.get("language"), kernel.get("name"), metadata.get("language"), *of_cells[:1])
    for name in stated:
        if isinstance(name, str) and name.strip():
            folded = name.strip().lower()
            folded = _SAME.get(folded, folded)
            if folded in _COMMENTS or name is not kernel.get("name"):
                return folded
    return "python" if "py" in str(kernel) else ""


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    return "".join(part for part in value if isinstance(part, str)) if isinstance(value, list) else ""


def _list(entry: dict[str, Any], key: str) -> list[Any]:
    value = entry.get(key)
    return value if isinstance(value, list) else []


def _are_dicts(value: object) -> TypeGuard[list[dict[str, Any]]]:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)
