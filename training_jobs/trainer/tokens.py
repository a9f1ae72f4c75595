"""Token files: a release as tokens of one tokenizer, mapped into memory, with document bounds and blob ids.

A folder for all runs holds one token folder for each (shards, tokenizer, ``max_bytes``), named by their digest::

    <key>/meta.json              what it is; written last: a folder without it is not there
    <key>/tokenizer.json         the tokenizer, so that the folder explains itself
    <key>/tokens.<g>.bin         uint16 or uint32, little endian, documents one after the other, nothing between them
    <key>/bounds.<g>.bin         int64: where each document begins, and the end
    <key>/blobs.<g>.bin          20 bytes a document: its git blob SHA-1

``<g>`` is the generation: an erasure writes the next one, commits it by replacing ``meta.json``, then deletes the old.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from datasets_app.pipeline.progress import Progress, silent

from . import shard_text
from .durable import TEMPORARY, commit_folder, fresh_folder, sync_file, try_lock, write_json, writing
from .encoding import Encoding, Tokens
from .errors import BadTokenFile, NoText

_FORMAT = 1
_ENCODED_AT_ONCE = 1_000_000  # bytes of text; also how much work lies between two reports of progress
_KINDS = ("tokens", "bounds", "blobs")
_COPIED_AT_ONCE = 1 << 22  # tokens
_DECODED_AT_ONCE = 1 << 18  # tokens
_STAGE = "encoding the release"


class TokenFile:
    """A token folder, opened for reading.

    Attributes:
        folder: Where it lies.
        meta: Its description (``meta.json``).
        tokens: All tokens, one-dimensional, mapped read-only.
        bounds: ``len(self) + 1`` positions in ``tokens``.
        blob_ids: Shape (documents, 20), bytes.
    """

    def __init__(self, folder: Path, meta: dict[str, Any]) -> None:
        self.folder = folder
        self.meta = meta
        count = int(meta["documents"])
        self.tokens: Tokens = self._map("tokens", np.dtype(meta["dtype"]), int(meta["tokens"]))
        self.bounds: npt.NDArray[np.int64] = self._map("bounds", np.dtype("<i8"), count + 1)
        self.blob_ids: npt.NDArray[np.uint8] = self._map("blobs", np.dtype("u1"), count * 20).reshape(count, 20)
        if self.bounds[0] != 0 or self.bounds[-1] != len(self.tokens):
            raise BadTokenFile(f"{folder}: its bounds do not fit its tokens; delete the folder, it is made again")

    @classmethod
    def open(cls, path: Path) -> TokenFile:
        """Open a token folder.

        Raises:
            BadTokenFile: It is incomplete or damaged.
        """
        try:
            meta = json.loads((path / "meta.json").read_text(encoding="utf-8"))
            if meta["format"] != _FORMAT:
                raise BadTokenFile(f"{path}: format {meta['format']} is not known; delete the folder, it is made again")
            return cls(path, meta)
        except (OSError, ValueError, KeyError) as error:
            raise BadTokenFile(f"{path}: is not a whole token folder ({error}); delete it, it is made again") from error

    def __len__(self) -> int:
        return int(self.meta["documents"])

    def document(self, index: int) -> Tokens:
        """The tokens of one document."""
        return self.tokens[int(self.bounds[index]) : int(self.bounds[index + 1])]

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the bytes of tokens, bounds and blob ids."""
        return str(self.meta["digest"])

    def _map(self, kind: str, dtype: np.dtype[Any], count: int) -> Any:
        path = _data_path(self.folder, kind, int(self.meta["generation"]))
        size = path.stat().st_size
        if size != count * dtype.itemsize:
            raise BadTokenFile(
                f"{path}: has {size} bytes where {count * dtype.itemsize} belong; delete the folder, it is made again"
            )
        return np.memmap(path, dtype=dtype, mode="r", shape=(count,)) if count else np.empty(0, dtype=dtype)


def prepare(
    shards: list[Path],
    tokenizer_dir: Path,
    out_dir: Path,
    progress: Progress = silent,
    *,
    max_bytes: int | None = None,
) -> TokenFile:
    """The token file of some shards under ``out_dir``: made now, or found where an earlier run made it.

    Strings in the text that look like special tokens are encoded as ordinary letters. With ``max_bytes`` a stated part
    of the release is encoded (``shard_text.select``); the description says which share.

    Raises:
        TrainerError: A shard or the tokenizer is unreadable, or there is no text.
    """
    encoding = Encoding(tokenizer_dir)
    source = {
        "shards": sorted({shard_text.shard_digest(shard) for shard in shards}),
        "tokenizer": encoding.digest,
        "max_bytes": max_bytes,
    }
    key = hashlib.sha256(json.dumps([_FORMAT, source], sort_keys=True).encode()).hexdigest()[:32]
    folder = out_dir / key
    with _held(folder, progress):
        if not (folder / "meta.json").is_file():
            selection = shard_text.select(shards, max_bytes)
            temporary = fresh_folder(folder)
            try:
                _encode_into(temporary, source, selection, encoding, progress)
            except BaseException:
                shutil.rmtree(temporary)
                raise
            if folder.exists():  # damaged: it has no description
                shutil.rmtree(folder)
            commit_folder(temporary, folder)
        return TokenFile.open(folder)


def folders(root: Path) -> list[Path]:
    """The whole token folders below ``root``."""
    return sorted(path.parent for path in root.glob("*/meta.json") if not path.parent.name.startswith(TEMPORARY))


def sweep(root: Path) -> list[Path]:
    """Delete what dead processes left half-made below ``root``; gives what was deleted."""
    removed = []
    for path in sorted(root.glob(f"{TEMPORARY}*")):
        with try_lock(_lock_path(root / path.name.removeprefix(TEMPORARY))) as held:
            if held and path.is_dir():
                shutil.rmtree(path)
                removed.append(path)
    return removed


def documents_holding(token_dir: Path, blob_ids: Iterable[str]) -> list[int]:
    """Indices of the documents of a token folder that are one of these blobs (hex ids)."""
    token_file = TokenFile.open(token_dir)
    return [int(index) for index in np.flatnonzero(_holds(token_file, blob_ids))]


def erase(token_dir: Path, blob_ids: Iterable[str]) -> int:
    """Rewrite a token folder without some blobs; gives how many documents went.

    A crash leaves the folder as it was, or erased; calling again finishes the work and deletes what a crash left. A run
    that has the old file mapped keeps its view of it until that process ends.

    Raises:
        BadTokenFile: The folder is not a token folder, or a run is preparing it.
    """
    with _held(token_dir, silent):
        token_file = TokenFile.open(token_dir)
        gone = _holds(token_file, blob_ids)
        count = int(gone.sum())
        if count:
            meta = dict(token_file.meta)
            meta["generation"] += 1
            meta["erased"] += count
            with writing(f"{token_dir}: the token file"), _Writer(token_dir, meta) as writer:
                for index in np.flatnonzero(~gone):
                    writer.add(token_file.blob_ids[index].tobytes(), token_file.document(int(index)))
                write_json(token_dir / "meta.json", writer.finished())
            token_file = TokenFile.open(token_dir)
        keep = {_data_path(token_dir, kind, int(token_file.meta["generation"])) for kind in _KINDS}
        for path in token_dir.glob("*.bin"):
            if path not in keep:
                path.unlink()
        sync_file(token_dir)
        return count


def scan(root: Path, holds: Callable[[bytes], bool], progress: Progress = silent) -> list[Path]:
    """The token folders below ``root`` of which a document's text ``holds`` something (raw bytes do not show it).

    Raises:
        BadTokenFile: A token folder is damaged, so that nobody can say what it holds.
    """
    found = []
    every = folders(root)
    for done, folder in enumerate(every):
        token_file = TokenFile.open(folder)
        encoding = Encoding(folder)
        for first, end in _pieces(token_file.bounds):
            progress("reading token files", done, len(every))
            if not holds(encoding.decode_bytes(token_file.tokens[token_file.bounds[first] : token_file.bounds[end]])):
                continue
            # What runs from one document into the next stands in neither.
            if any(holds(encoding.decode_bytes(token_file.document(index))) for index in range(first, end)):
                found.append(folder)
                break
    progress("reading token files", len(every), len(every))
    return found


def _pieces(bounds: npt.NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Runs of documents (first, end) of about ``_DECODED_AT_ONCE`` tokens; a longer document is a run of its own."""
    first, count = 0, len(bounds) - 1
    while first < count:
        end = int(np.searchsorted(bounds, bounds[first] + _DECODED_AT_ONCE, side="right")) - 1
        end = min(max(end, first + 1), count)
        yield first, end
        first = end


class _Writer:
    """Writes the data files of one generation, and knows their digest."""

    def __init__(self, folder: Path, meta: dict[str, Any]) -> None:
        self.meta = meta
        self.dtype = np.dtype(meta["dtype"])
        self.bounds = [0]
        self.blobs = bytearray()
        self.hash = hashlib.sha256()
        self.paths = {kind: _data_path(folder, kind, int(meta["generation"])) for kind in _KINDS}
        self.file: BinaryIO = self.paths["tokens"].open("wb")

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def add(self, blob_id: bytes, tokens: Tokens | list[int]) -> None:
        for start in range(0, len(tokens), _COPIED_AT_ONCE):
            raw = np.asarray(tokens[start : start + _COPIED_AT_ONCE], dtype=self.dtype).tobytes()
            self.file.write(raw)
            self.hash.update(raw)
        self.bounds.append(self.bounds[-1] + len(tokens))
        self.blobs += blob_id

    def finished(self) -> dict[str, Any]:
        """Bring everything to the disk; gives the description."""
        bounds = np.array(self.bounds, dtype="<i8").tobytes()
        self.hash.update(bounds)
        self.hash.update(self.blobs)
        self.file.close()
        self.paths["bounds"].write_bytes(bounds)
        self.paths["blobs"].write_bytes(self.blobs)
        for path in self.paths.values():
            sync_file(path)
        return self.meta | {
            "documents": len(self.bounds) - 1,
            "tokens": self.bounds[-1],
            "digest": self.hash.hexdigest(),
        }


def _encode_into(
    folder: Path,
    source: dict[str, Any],
    selection: shard_text.Selection,
    encoding: Encoding,
    progress: Progress,
) -> None:
    meta: dict[str, Any] = {
        "format": _FORMAT,
        "generation": 0,
        "dtype": "<u2" if encoding.vocab_size <= 1 << 16 else "<u4",
        "vocab_size": encoding.vocab_size,
        "source": source,
        "release_documents": selection.all_documents,
        "release_bytes": selection.all_size,
        "text_bytes": 0,
        "erased": 0,
    }
    progress(_STAGE, 0, selection.size)
    with _Writer(folder, meta) as writer:
        for batch in _batches(shard_text.documents(selection)):
            texts = [document.text for document in batch]
            encoded = encoding.encode_batch(texts)
            with writing(f"{folder}: the token file"):
                for document, tokens in zip(batch, encoded, strict=True):
                    writer.add(document.blob_id, tokens)
            meta["text_bytes"] += sum(len(text.encode("utf-8")) for text in texts)
            progress(_STAGE, min(meta["text_bytes"], selection.size), selection.size)
        if not writer.bounds[-1]:
            raise NoText("the shards hold no text; choose a release with files in it")
        with writing(f"{folder}: the token file"):
            finished = writer.finished()
            (folder / "tokenizer.json").write_bytes((encoding.folder / "tokenizer.json").read_bytes())
            write_json(folder / "meta.json", finished)


def _batches(documents: Iterable[shard_text.Document]) -> Iterator[list[shard_text.Document]]:
    batch: list[shard_text.Document] = []
    size = 0
    for document in documents:
        if document.text:
            batch.append(document)
            size += len(document.text)
        if size >= _ENCODED_AT_ONCE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _holds(token_file: TokenFile, blob_ids: Iterable[str]) -> npt.NDArray[np.bool_]:
    wanted = np.array([bytes.fromhex(blob_id) for blob_id in sorted(set(blob_ids))], dtype="V20")
    if not len(wanted) or not len(token_file):
        return np.zeros(len(token_file), dtype=bool)
    held = np.ascontiguousarray(token_file.blob_ids).view("V20").reshape(-1)
    return np.isin(held, wanted)


def _data_path(folder: Path, kind: str, generation: int) -> Path:
    return folder / f"{kind}.{generation}.bin"


def _lock_path(folder: Path) -> Path:
    return folder.with_name(f".lock-{folder.name}")


@contextmanager
def _held(folder: Path, progress: Progress) -> Iterator[None]:
    """Hold the lock of a token folder, waiting while another process prepares the same one."""
    while True:
        with try_lock(_lock_path(folder)) as held:
            if held:
                yield
                return
        progress("waiting for another run that prepares the same tokens", 0, 0)
        time.sleep(0.3)
