"""A log's tree in tiles, as C2SP's tlog-tiles lays them out: 256 hashes wide, a level of tiles for every eight levels of the tree.

Tile ``n`` of level ``l`` holds the hashes of the complete subtrees of ``256**l`` leaves from number ``256 * n`` on. Only the
last tile of a level is partial; it begins like the full one that it becomes, so a full tile never changes. Any root or proof
needs a few tiles a level: O(log n).

Imports the standard library and ``core.merkle`` alone, so that a witness runs it without a site.
"""

import re
import struct
from collections.abc import Callable, Sequence

from core import merkle

WIDTH = 256
HEIGHT = 8
HASH = 32
MOST = 0xFFFF  # bytes of an entry: a bundle writes its length in two bytes

# (level, index, width) -> the tile's bytes, 32 a hash
Fetch = Callable[[int, int, int], bytes]

INDEX_PATTERN = r"(?:x\d{3}/)*\d{3}"


def index_path(index: int) -> str:
    """The index in groups of three digits, such as ``x001/x234/067``."""
    groups = [f"{index % 1000:03d}"]
    while index := index // 1000:
        groups.append(f"x{index % 1000:03d}")
    return "/".join(reversed(groups))


def parse_index(text: str) -> int:
    """The inverse of ``index_path``.

    Raises:
        ValueError: It is written in another way than ``index_path`` writes it.
    """
    if not re.fullmatch(INDEX_PATTERN, text, re.ASCII):
        raise ValueError(f"no index of a tile: {text!r}")
    index = int(text.replace("x", "").replace("/", ""))
    if index_path(index) != text:
        raise ValueError(f"no index of a tile: {text!r}")
    return index


def tile_path(level: int | str, index: int, width: int = WIDTH) -> str:
    """Where a tile stands below the log's address; ``level`` may be ``entries``."""
    return f"tile/{level}/{index_path(index)}" + (f".p/{width}" if width < WIDTH else "")


def width_at(level: int, index: int, size: int) -> int:
    """How many hashes the tile has in a log of ``size`` entries: 0 to 256."""
    return max(0, min(WIDTH, (size >> (HEIGHT * level)) - index * WIDTH))


def split_hashes(tile: bytes) -> list[bytes]:
    """The hashes of a tile."""
    return [tile[at : at + HASH] for at in range(0, len(tile), HASH)]


class TileTree:
    """The tree of the first ``size`` entries of a log, over tiles fetched as they are needed, each once.

    Raises (all methods):
        ValueError: A fetched tile has not the length that it must have.
    """

    def __init__(self, size: int, fetch: Fetch) -> None:
        self.size = size
        self._fetch = fetch
        self._tiles: dict[tuple[int, int], list[bytes]] = {}

    def tile(self, level: int, index: int) -> list[bytes]:
        """The hashes of one tile, as many as the tree has there."""
        if (level, index) not in self._tiles:
            width = width_at(level, index, self.size)
            data = self._fetch(level, index, width)
            if len(data) != width * HASH:
                raise ValueError(f"{tile_path(level, index, width)} has {len(data)} bytes and not {width * HASH}")
            self._tiles[level, index] = split_hashes(data)
        return self._tiles[level, index]

    def node(self, height: int, number: int) -> bytes:
        """The hash of a complete subtree: ``core.merkle.Node``."""
        level, rest = divmod(height, HEIGHT)
        first = number << rest
        at = first % WIDTH
        return merkle.root(self.tile(level, first // WIDTH)[at : at + (1 << rest)])

    def root(self, size: int | None = None) -> bytes:
        """The root of the whole tree, or of its first ``size`` entries."""
        return merkle.tree_root(self.node, self.size if size is None else size)

    def inclusion(self, index: int) -> list[bytes]:
        """The audit path of an entry."""
        return merkle.inclusion_path(self.node, index, self.size)

    def consistency(self, old: int) -> list[bytes]:
        """The proof that the tree begins with that of ``old`` entries."""
        return merkle.consistency_path(self.node, old, self.size)


def write_bundle(entries: Sequence[bytes]) -> bytes:
    """A bundle of entries: each behind its length in two bytes, the greater first."""
    return b"".join(struct.pack(">H", len(entry)) + entry for entry in entries)


def read_bundle(data: bytes) -> list[bytes]:
    """The entries of a bundle.

    Raises:
        ValueError: The bundle ends within an entry.
    """
    entries, at = [], 0
    while at < len(data):
        if at + 2 > len(data):
            raise ValueError("the bundle ends within a length")
        (length,) = struct.unpack_from(">H", data, at)
        entry = data[at + 2 : at + 2 + length]
        if len(entry) != length:
            raise ValueError("the bundle ends within an entry")
        entries.append(entry)
        at += 2 + length
    return entries
