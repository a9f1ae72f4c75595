"""Files and folders that are whole or absent, whatever moment the power goes."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import CannotWrite

TEMPORARY = ".tmp-"  # names that begin so are half-made and may be deleted when nobody holds their lock


@contextmanager
def writing(what: str, kind: type[CannotWrite] = CannotWrite, advice: str = "") -> Iterator[None]:
    """Raise ``kind`` for the operating system's refusals inside the block, which must do nothing but write."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        advice = advice or "make room or repair the permissions, then start again"
        raise kind(f"{what} could not be written ({reason}); {advice}") from error


def sync_file(path: Path) -> None:
    """Bring a file's bytes to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: Path, facts: dict[str, Any]) -> None:
    """Replace a JSON file; a reader sees the old one or the new one."""
    temporary = path.with_name(f"{TEMPORARY}{path.name}")
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(facts, file, indent=1, sort_keys=True)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_file(path.parent)


def fresh_folder(target: Path) -> Path:
    """An empty temporary folder beside ``target``, to be filled and handed to ``commit_folder``."""
    temporary = target.with_name(f"{TEMPORARY}{target.name}")
    if temporary.exists():
        shutil.rmtree(temporary)
    temporary.mkdir(parents=True)
    return temporary


def commit_folder(temporary: Path, target: Path) -> None:
    """Give a filled folder its name, after all of its bytes are on the disk. ``target`` must not exist."""
    for path in sorted(temporary.rglob("*")):
        sync_file(path)
    sync_file(temporary)
    temporary.rename(target)
    sync_file(target.parent)


def remove_leftovers(folder: Path) -> None:
    """Delete what was half-made here. Only for the one who holds the folder's lock."""
    for path in folder.glob(f"{TEMPORARY}*"):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


@contextmanager
def try_lock(path: Path) -> Iterator[bool]:
    """Hold an exclusive lock on a file for the block, if no other process has it; gives whether it is held.

    The kernel gives the lock back when the process ends, however it ends.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(descriptor)
