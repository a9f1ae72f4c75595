"""Reading one file below a folder without being led out of it."""

import errno
import os
import stat
from pathlib import Path

from datasets_app.pipeline.sources.base import FileSkipped

LONGEST_PATH = 1024  # characters
_LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\n"
_LARGEST_POINTER = 1024  # bytes, by the specification of Git LFS


def check_path(path: str) -> None:
    """Refuse a path that no table should hold: empty, absolute, with ``..``, a backslash or a control character.

    Raises:
        FileSkipped: ``outside`` or ``path_invalid``.
    """
    parts = path.replace("\\", "/").split("/")
    if path.startswith(("/", "\\")) or path[1:3] in (":/", ":\\") or ".." in parts:
        raise FileSkipped("outside", repr(path))
    if len(path) > LONGEST_PATH or "\\" in path or "" in parts or "." in parts or not path.isprintable():
        raise FileSkipped("path_invalid", repr(path[:80]))


def read_below(root: Path, path: str, limit: int) -> bytes:
    """The bytes of the regular file at ``path`` below ``root``.

    Links are followed only where they end below the root. A pipe or a device is never opened for reading, and a file
    larger than the limit is not read at all.

    Args:
        root: An existing folder, resolved.
        path: Relative, with ``/``.
        limit: The most bytes.

    Raises:
        FileSkipped: The file cannot be taken; the reason says why.
    """
    check_path(path)
    place = os.path.realpath(root / path)
    if not place.startswith(os.path.join(root, "")):  # noqa: PTH118  (the root with its final separator)
        raise FileSkipped("symlink_outside", path)
    try:
        handle = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise FileSkipped("missing", path) from error
    except OSError as error:
        raise FileSkipped("missing" if error.errno == errno.ENOTDIR else "unreadable", str(error)) from error
    try:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            raise FileSkipped("not_a_file", path)
        if facts.st_size > limit:
            raise FileSkipped("too_large", path)
        with os.fdopen(handle, "rb", closefd=False) as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise FileSkipped("unreadable", str(error)) from error
    finally:
        os.close(handle)
    if len(content) > limit:  # it grew meanwhile
        raise FileSkipped("too_large", path)
    return content


def is_lfs_pointer(content: bytes) -> bool:
    """Whether these bytes only say where Git LFS keeps the file (git-lfs, docs/spec.md)."""
    return content.startswith(_LFS_POINTER) and len(content) < _LARGEST_POINTER and b"\noid sha256:" in content
