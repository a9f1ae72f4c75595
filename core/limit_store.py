"""Where rate limits are counted on one machine without Redis: a small SQLite file that all of its processes share.

It is no table of the site's database: a look-up must never wait for a long write there, and a refusal that rolls a transaction
back must not roll back the count. What lies in it is worth nothing after a day, and it may be deleted at any time.
"""

import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from limits.storage import MovingWindowSupport

LONGEST = 86_400  # seconds: no limit looks back further
TABLES = (
    "CREATE TABLE IF NOT EXISTS hits (name TEXT NOT NULL, at REAL NOT NULL)",
    "CREATE INDEX IF NOT EXISTS hits_of ON hits (name, at)",
    "CREATE TABLE IF NOT EXISTS day_keys (day TEXT PRIMARY KEY, secret BLOB NOT NULL)",
)


class FileStorage(MovingWindowSupport):
    """What the library ``limits`` asks of a storage for moving windows. Safe across threads and processes of one machine."""

    base_exceptions = sqlite3.Error  # what the library wraps into its own ``StorageError``
    wrap_exceptions = True

    def __init__(self, path: Path) -> None:
        self.path = path

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count ``amount`` hits of ``key`` now, unless more than ``limit`` would lie within the last ``expiry`` seconds."""
        now = time.time()
        with self._writing() as database:
            within = database.execute("SELECT count(*) FROM hits WHERE name = ? AND at > ?", (key, now - expiry))
            if within.fetchone()[0] + amount > limit:
                return False
            database.executemany("INSERT INTO hits VALUES (?, ?)", [(key, now)] * amount)
            database.execute("DELETE FROM hits WHERE name = ? AND at <= ?", (key, now - expiry))
        return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """When the oldest hit that counts was made (Unix time), and how many there are."""
        now = time.time()
        with self._writing() as database:
            oldest, number = database.execute(
                "SELECT min(at), count(*) FROM hits WHERE name = ? AND at > ?", (key, now - expiry)
            ).fetchone()
        return (oldest, number) if number else (now, 0)

    def day_key(self, day: str) -> bytes:
        """The random key of a day (``2026-11-25``), made on first use. The keys of earlier days are destroyed, and old hits go."""
        with self._writing() as database:
            made = database.execute("INSERT OR IGNORE INTO day_keys VALUES (?, ?)", (day, secrets.token_bytes(32)))
            if made.rowcount:
                database.execute("DELETE FROM day_keys WHERE day < ?", (day,))
                database.execute("DELETE FROM hits WHERE at <= ?", (time.time() - LONGEST,))
            found: bytes = database.execute("SELECT secret FROM day_keys WHERE day = ?", (day,)).fetchone()[0]
        return found

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A connection of this call alone: it is made in some 0.1 ms, and none is carried over a fork."""
        database = sqlite3.connect(self.path, timeout=5, isolation_level=None)
        try:
            database.execute("PRAGMA secure_delete = ON")
            database.execute("PRAGMA synchronous = OFF")
            database.execute("BEGIN IMMEDIATE")
            for statement in TABLES:
                database.execute(statement)
            yield database
            database.execute("COMMIT")
        finally:
            database.close()
