"""A file that only the holder of its key can read, written and read as a stream.

AES-256-GCM over chunks of 1 MiB, after the STREAM construction (Hoang, Reyhanitabar, Rogaway and Vizár, "Online
authenticated-encryption and its nonce-reuse misuse-resistance", 2015): the nonce of a chunk is a random start of the file, the
chunk's number, and whether it is the last one. So chunks cannot be changed, left out, put in another order or taken from another
file, and a file that was cut short is told from one that ended. Each key serves one file. Memory: two chunks, whatever the length.
"""

import secrets
import struct
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from datasets_app.pipeline.errors import PipelineError

CHUNK = 1 << 20  # bytes of plain text
KEY = 32  # bytes
_MAGIC = b"FSSEAL1\n"
_START = 7  # random bytes of each nonce; 4 of the number and 1 of the last mark follow
_TAG = 16


class SealBroken(PipelineError):
    """The file is damaged, cut short, or was sealed with another key."""


def new_key() -> bytes:
    """A fresh key."""
    return secrets.token_bytes(KEY)


class Sealer:
    """Writes a sealed file. Close it by leaving the block; without that, what was written cannot be read."""

    def __init__(self, path: Path, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self._start = secrets.token_bytes(_START)
        self._file: BinaryIO = path.open("xb")
        self._file.write(_MAGIC + self._start)
        self._waiting = bytearray()
        self._number = 0

    def __enter__(self) -> "Sealer":
        return self

    def __exit__(
        self, failed: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if failed is None:
                self._seal(bytes(self._waiting), last=True)
        finally:
            self._file.close()

    def write(self, data: bytes) -> None:
        """Add bytes."""
        self._waiting += data
        while len(self._waiting) > CHUNK:  # the last chunk is never empty unless the whole file is
            self._seal(bytes(self._waiting[:CHUNK]), last=False)
            del self._waiting[:CHUNK]

    def _seal(self, chunk: bytes, *, last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._start, self._number, last), chunk, _MAGIC))
        self._number += 1


def unsealed(path: Path, key: bytes) -> Iterator[bytes]:
    """The bytes of a sealed file, a chunk at a time. No chunk is given before it was found to be as it was written.

    Raises:
        SealBroken: It is damaged or cut short, or the key is not its own. What was given before is sound.
        FileNotFoundError: It is not there.
    """
    if len(key) != KEY:
        raise SealBroken("The key is damaged.")
    cipher = AESGCM(key)
    with path.open("rb") as file:
        head = file.read(len(_MAGIC) + _START)
        if len(head) < len(_MAGIC) + _START or not head.startswith(_MAGIC):
            raise SealBroken("The sealed file is not one, or its beginning is damaged.")
        start = head[len(_MAGIC) :]
        number = 0
        chunk = file.read(CHUNK + _TAG)
        while True:
            following = file.read(CHUNK + _TAG)
            try:
                yield cipher.decrypt(_nonce(start, number, not following), chunk, _MAGIC)
            except InvalidTag:
                raise SealBroken("The sealed file is damaged or cut short, or its key is another.") from None
            if not following:
                return
            chunk, number = following, number + 1


def _nonce(start: bytes, number: int, last: bool) -> bytes:
    return start + struct.pack(">IB", number, last)


class Records:
    """Reads what :func:`record` framed, from chunks of any length."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._waiting = bytearray()

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        """Head and body of each record.

        Raises:
            SealBroken: The chunks end within one.
        """
        while (frame := self._take(12)) is not None:
            head, body = struct.unpack(">IQ", frame)
            yield self._whole(head), self._whole(body)

    def _whole(self, size: int) -> bytes:
        found = self._take(size)
        if found is None and size:
            raise SealBroken("The sealed file ends in the middle.")
        return found or b""

    def _take(self, size: int) -> bytes | None:
        while len(self._waiting) < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                if self._waiting:
                    raise SealBroken("The sealed file ends in the middle.")
                return None
            self._waiting += chunk
        found = bytes(self._waiting[:size])
        del self._waiting[:size]
        return found


def record(head: bytes, body: bytes) -> bytes:
    """A record, framed."""
    return struct.pack(">IQ", len(head), len(body)) + head + body
