"""What may enter the zoo: names, kinds and structure of files. Nothing here runs or unpickles what it looks at."""

import json
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from core.errors import InvalidInput

MAX_FILES = 10_000
MAX_WEIGHTS = 50 * 10**9  # bytes; Hub clients refuse larger files over plain HTTP
MAX_TEXT = 200 * 2**20  # bytes
WEIGHTS = ".safetensors"
JSON = ".json"
TEXT = frozenset({".txt", ".jinja"})
PICKLES = frozenset({".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".npy", ".npz", ".h5"})
GENERATED = frozenset(
    {"README.md", "LICENSE", "NOTICE"}
)  # written by the zoo; those of a checkpoint are not taken over
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,120}")


@dataclass(frozen=True)
class Checkpoint:
    """A folder that passed.

    Attributes:
        files: Path in the revision -> file, in order of the path.
        config: The model's config.json.
        parameters: Number of parameters by type, such as {"F32": 1_000_000}.
    """

    files: dict[str, Path]
    config: dict[str, Any]
    parameters: dict[str, int]


def scan(folder: Path) -> Checkpoint:
    """Check every file of a checkpoint in the layout of ``save_pretrained``.

    Raises:
        InvalidInput: A file may not be published; the text says which and why.
    """
    if not folder.is_dir():
        raise InvalidInput(f"There is no checkpoint at {folder}.", "folder")
    files: dict[str, Path] = {}
    parameters: dict[str, int] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            continue
        name = path.relative_to(folder).as_posix()
        if name in GENERATED:
            continue
        check_name(name)
        if path.is_symlink() or not path.is_file():
            raise InvalidInput(f"{name} is a link or not a plain file: only plain files are published.", "folder")
        files[name] = path
        if len(files) > MAX_FILES:
            raise InvalidInput(f"The checkpoint has more than {MAX_FILES:,} files.", "folder")
        for kind, count in _check_content(name, path).items():
            parameters[kind] = parameters.get(kind, 0) + count
    if "config.json" not in files:
        raise InvalidInput("The checkpoint has no config.json: save it with save_pretrained().", "folder")
    if not parameters:
        raise InvalidInput("The checkpoint has no weights as .safetensors: save it with save_pretrained().", "folder")
    config = json.loads(files["config.json"].read_bytes())
    if not isinstance(config, dict):
        raise InvalidInput("config.json is not a JSON object.", "folder")
    return Checkpoint(files, config, dict(sorted(parameters.items())))


def check_name(name: str) -> None:
    """Refuse a path that is absolute, climbs, hides, or would be written differently on another system.

    Raises:
        InvalidInput: It does.
    """
    path = PurePosixPath(name)
    plain = not path.is_absolute() and str(path) == name and all(NAME.fullmatch(part) for part in path.parts)
    if not plain or not path.parts or ".." in name or len(name) > 500:
        raise InvalidInput(
            f"{name!r} cannot be a file's path in the zoo: letters, digits, dots, dashes and underscores, parts joined by “/”, "
            "no part beginning with a dot.",
            "folder",
        )


def _check_content(name: str, path: Path) -> dict[str, int]:
    """Look inside; give the parameters where it holds weights."""
    ending, size = path.suffix.lower(), path.stat().st_size
    if ending in PICKLES:
        raise InvalidInput(
            f"{name} may hold a pickle, which can run code on whoever loads it. Publish weights as safetensors: "
            "save_pretrained(folder, safe_serialization=True).",
            "folder",
        )
    if ending == WEIGHTS:
        if size > MAX_WEIGHTS:
            raise InvalidInput(f"{name} is larger than 50 GB, which clients refuse: save it in shards.", "folder")
        return _tensors(name, path)
    if ending != JSON and ending not in TEXT:
        raise InvalidInput(
            f"{name}: files of this kind are not published. Taken are .safetensors, .json, .txt and .jinja.", "folder"
        )
    if size > MAX_TEXT:
        raise InvalidInput(f"{name} is larger than 200 MiB, too much for a text file.", "folder")
    try:
        text = path.read_bytes().decode()
        if ending == JSON:
            json.loads(text)
    except ValueError as error:
        raise InvalidInput(f"{name} is not what its name says: {error}.", "folder") from None
    return {}


def _tensors(name: str, path: Path) -> dict[str, int]:
    from safetensors import SafetensorError, safe_open

    counts: dict[str, int] = {}
    try:
        with safe_open(path, framework="numpy") as weights:  # checks header, offsets and length against the file
            for key in weights.keys():  # noqa: SIM118 - not a mapping
                part = weights.get_slice(key)
                count = 1
                for side in part.get_shape():
                    count *= side
                counts[part.get_dtype()] = counts.get(part.get_dtype(), 0) + count
    except (SafetensorError, OSError) as error:
        raise InvalidInput(f"{name} is not a sound safetensors file: {error}.", "folder") from None
    return counts
