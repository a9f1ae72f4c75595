"""Arrays in one file that are read where they lie: the form of the indexes beside the shards.

A line that names the format, the table of the arrays as JSON, then the arrays, each at a multiple of 64 bytes.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_ALIGNED = 64


class IndexDamaged(Exception):
    """The file is no index, was cut off, or was made by other rules: make it anew."""


def write(path: Path, magic: bytes, rules: str, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write these arrays by name, below ``magic`` (a line) and the ``rules`` they were made by."""
    places: dict[str, tuple[str, tuple[int, ...], int]] = {}
    at = 0
    for name, array in arrays.items():
        places[name] = (array.dtype.str, array.shape, at)
        at += math.ceil(array.nbytes / _ALIGNED) * _ALIGNED
    head = json.dumps({"rules": rules, "arrays": places, "bytes": at}).encode()
    start = math.ceil((len(magic) + 8 + len(head)) / _ALIGNED) * _ALIGNED
    with path.open("wb") as file:
        file.write(magic + len(head).to_bytes(8, "little") + head)
        for name, array in arrays.items():
            file.seek(start + places[name][2])
            file.write(np.ascontiguousarray(array).data)
        file.truncate(start + at)


def read(path: Path, magic: bytes, rules: str) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a file, mapped: they stay readable until they are let go, also when the file is deleted.

    Raises:
        FileNotFoundError: There is none.
        IndexDamaged: It cannot be used.
    """
    try:
        whole = np.memmap(path, np.uint8, "r")
    except ValueError as error:  # an empty file
        raise IndexDamaged(f"{path} is empty") from error
    lead = len(magic) + 8
    if bytes(whole[: len(magic)]) != magic or len(whole) < lead:
        raise IndexDamaged(f"{path} does not begin as {magic.decode().strip()!r} does")
    length = int.from_bytes(bytes(whole[len(magic) : lead]), "little")
    try:
        head = json.loads(bytes(whole[lead : lead + length]))
        start = math.ceil((lead + length) / _ALIGNED) * _ALIGNED
        if head["rules"] != rules or len(whole) != start + head["bytes"]:
            raise IndexDamaged(f"{path} was cut off, or made by other rules")
        return {
            name: _mapped(whole, np.dtype(kind), tuple(shape), start + at)
            for name, (kind, shape, at) in head["arrays"].items()
        }
    except (ValueError, KeyError, TypeError) as error:
        raise IndexDamaged(f"{path} has no table of arrays that can be read") from error


def _mapped(whole: Any, kind: np.dtype[Any], shape: tuple[int, ...], start: int) -> npt.NDArray[Any]:
    if not math.prod(shape):
        return np.empty(shape, kind)
    return np.frombuffer(whole, kind, math.prod(shape), start).reshape(shape)
