"""Where the files of models lie: ``zoo/objects/<aa>/<sha256>``, once each, whatever revisions share them.

Digests are computed once, while a file is taken in, and kept in the rows; nothing is hashed when a file is served.
"""

import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from core import stores
from core.errors import Conflict
from modelzoo.models import Revision

CHUNK = 1 << 20  # bytes read at a time
LFS_ENDINGS = (".safetensors", ".parquet")


@dataclass(frozen=True)
class Stored:
    """A file that was taken in.

    Attributes:
        path: Its path in the revision, with ``/``.
        size: Bytes.
        sha1: Its git blob id: SHA-1 of ``blob <size>\\0`` and the bytes, in hex.
        sha256: SHA-256 of the bytes, in hex.
        lfs: Whether clients know it by its SHA-256 (weights) or by its git blob id.
    """

    path: str
    size: int
    sha1: str
    sha256: str
    lfs: bool


def object_path(sha256: str) -> Path:
    """Where the file with this digest lies."""
    return stores.folder("zoo") / "objects" / sha256[:2] / sha256


def put_file(source: Path, path: str) -> Stored:
    """Take the file ``source`` in as ``path`` of a revision to come.

    It is copied under a temporary name, hashed as it is copied, synced and renamed: a crash leaves no half-made object.
    """
    size = source.stat().st_size
    with source.open("rb") as reading:
        return _put(reading, size, path)


def put_bytes(content: bytes, path: str) -> Stored:
    """The same for bytes in memory."""
    import io

    return _put(io.BytesIO(content), len(content), path)


def missing(revision: Revision) -> list[str]:
    """The paths of a revision whose bytes are not in the store (or have another size)."""
    return [
        file.path
        for file in revision.files.all()
        if not object_path(file.sha256).is_file() or object_path(file.sha256).stat().st_size != file.size
    ]


def local_checkpoint(revision: Revision, target: Path) -> Path:
    """Lay the files of ``revision`` out as the folder ``target``, for loading or fine-tuning from it.

    Files are hard links where the file system allows them and copies elsewhere; treat them as read-only.
    ``target`` must not exist; it appears whole or not at all.

    Raises:
        Conflict: The revision was withdrawn, or bytes of it are missing from the store.
    """
    if revision.withdrawn_at:
        raise Conflict(f"{revision} was withdrawn: {revision.withdrawn_reason}")
    if absent := missing(revision):
        raise Conflict(f"{revision} lacks the bytes of {', '.join(absent)}: restore zoo/objects from a backup.")
    target.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=".tmp-", dir=target.parent))
    try:
        for file in revision.files.all():
            place = making / file.path
            place.parent.mkdir(parents=True, exist_ok=True)
            _link(object_path(file.sha256), place)
        making.chmod(0o755)
        making.rename(target)
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise
    return target


def _put(reading: "object", size: int, path: str) -> Stored:
    sha256, sha1 = hashlib.sha256(), hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    handle, name = tempfile.mkstemp(prefix="zoo-", dir=stores.folder("tmp"))
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as writing:
            taken = 0
            while chunk := reading.read(CHUNK):  # type: ignore[attr-defined]
                sha256.update(chunk)
                sha1.update(chunk)
                writing.write(chunk)
                taken += len(chunk)
            if taken != size:
                raise Conflict(f"{path} changed while it was read: {size} bytes were expected, {taken} came.")
            writing.flush()
            os.fsync(writing.fileno())
        target = object_path(sha256.hexdigest())
        if not target.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary.chmod(0o444)
            temporary.replace(target)
            _sync_folder(target.parent)
    finally:
        temporary.unlink(missing_ok=True)
    return Stored(path, size, sha1.hexdigest(), sha256.hexdigest(), path.endswith(LFS_ENDINGS))


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another device, or a file system without links
        shutil.copyfile(source, target)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
