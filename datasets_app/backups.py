"""A backup: the database and the data folder at one moment, and putting both back. What lies outside is in no backup: keys and journal.

A backup is a folder: ``backup.json``, ``database.sqlite3`` or ``database.dump``, and ``data/``. A job makes it that takes turns with
all others that write to the corpus, so that tables, blobs and rows belong together.
"""

import json
import os
import shutil
import sqlite3
import subprocess
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, connections
from django.utils import timezone

from core import journal, stores
from core.errors import FairstackError
from core.keyed import keyed_hash
from core.models import Job
from datasets_app.pipeline.atomic import TEMPORARY

FORMAT = 1
NOT_COPIED = frozenset({"tmp", "db", "broker", "logs"})
FILES = {"sqlite": "database.sqlite3", "postgresql": "database.dump"}


class BackupRefused(FairstackError):
    """A backup cannot be made there, or cannot be put back here."""


def check_target(target: Path) -> None:
    """Raise :class:`BackupRefused` unless a backup can be made at ``target``."""
    data = stores.data_root().resolve()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise BackupRefused(f"{target} is there already. Name a folder that is new or empty.")
    if target.resolve().is_relative_to(data) or data.is_relative_to(target.resolve()):
        raise BackupRefused(f"{target} lies in the data folder, or holds it. Name a folder elsewhere.")
    for name in ("FAIRSTACK_KEYS", "FAIRSTACK_UNDO_KEYS", "FAIRSTACK_JOURNAL"):
        if Path(getattr(settings, name)).resolve().is_relative_to(data):
            raise BackupRefused(f"{name} lies in the data folder: a backup would hold it. Move it out first.")


def make(target: Path) -> dict[str, Any]:
    """Write a backup; it is at ``target`` whole or not at all. Gives its figures.

    Raises:
        BackupRefused: There is something there, or the database's own program failed.
    """
    check_target(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    growing = target.with_name(f"{TEMPORARY}{uuid.uuid4().hex[:12]}-{target.name}")
    growing.mkdir(mode=0o700)
    try:
        _dump(growing / FILES[connection.vendor])
        for name in sorted(_folders()):
            shutil.copytree(stores.data_root() / name, growing / "data" / name, ignore=_without_temporary)
        files = [path for path in growing.rglob("*") if path.is_file()]
        figures = {"files": len(files), "bytes": sum(path.stat().st_size for path in files)}
        facts = {
            "format": FORMAT,
            "made_at": timezone.now().isoformat(),
            "database": connection.vendor,
            "site": _site(),
        }
        (growing / "backup.json").write_text(json.dumps(facts | figures, indent=1))
        if target.exists():
            target.rmdir()
        growing.rename(target)
    except BaseException:
        shutil.rmtree(growing, ignore_errors=True)
        raise
    return figures


def check_source(source: Path) -> dict[str, Any]:
    """What the backup says of itself.

    Raises:
        BackupRefused: It is none, or not of this site.
    """
    try:
        facts: dict[str, Any] = json.loads((source / "backup.json").read_text())
    except (OSError, ValueError):
        raise BackupRefused(f"{source} is not a backup: it has no backup.json that can be read.") from None
    if facts.get("format") != FORMAT:
        raise BackupRefused(f"The backup is of format {facts.get('format')}; this program reads {FORMAT}.")
    if facts["database"] != connection.vendor:
        raise BackupRefused(f"The backup is of {facts['database']}; this site runs on {connection.vendor}.")
    if facts["site"] != _site():
        raise BackupRefused(
            "The backup was made under another FAIRSTACK_KEY: its block-list would recognise nobody. Set the key of then."
        )
    if not (source / FILES[connection.vendor]).is_file():
        raise BackupRefused(f"The backup has no {FILES[connection.vendor]}.")
    return facts


def put_back(source: Path) -> None:
    """Put a backup in the place of what is here: the data folder first, then the database. Replaying the journal is the next step.

    Whoever is killed in between restores again; the site does not serve meanwhile if anything was erased since the backup.

    Raises:
        BackupRefused: It is no backup of this site, or the database's own program failed.
    """
    check_source(source)
    root = stores.data_root()
    with stores.temporary_folder("restore") as scratch:
        fresh, old = scratch / "fresh", scratch / "old"
        (source / "data").mkdir(exist_ok=True)
        shutil.copytree(source / "data", fresh)
        old.mkdir()
        for name in sorted(_folders()):
            (root / name).rename(old / name)
        for path in sorted(fresh.iterdir()):
            path.rename(root / path.name)
    load(source)
    journal.forget_answers()


def load(source: Path) -> None:
    """Put back a backup's database alone. What ran when it was made, that very backup among it, runs no more and is not waited for."""
    _load(source / FILES[connection.vendor])
    Job.objects.filter(state__in=("running", "cancelling")).update(heartbeat_at=datetime.fromtimestamp(0, UTC))


def _folders() -> set[str]:
    owned = {name for store in stores.all_stores() for name in store.folders} - NOT_COPIED
    return {name for name in owned if (stores.data_root() / name).is_dir()}


def _without_temporary(folder: str, names: list[str]) -> set[str]:
    return {name for name in names if name.startswith(TEMPORARY)}


def _site() -> str:
    """Tells the site's key without telling it."""
    return keyed_hash("backup", "site")


def _dump(path: Path) -> None:
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        copy = sqlite3.connect(path)
        try:
            connection.connection.backup(copy)
        finally:
            copy.close()
        path.chmod(0o600)
        return
    _run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={path}")


def _load(path: Path) -> None:
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        copy = sqlite3.connect(path)
        try:
            copy.backup(connection.connection)
        finally:
            copy.close()
        connection.close()
        return
    _close_all()
    name = str(connection.settings_dict["NAME"])
    options = ("--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error")
    _run("pg_restore", *options, f"--dbname={name}", str(path))


def _close_all() -> None:
    connections.close_all()
    close_pool = getattr(connection, "close_pool", None)
    if close_pool is not None:
        close_pool()


def _run(program: str, *arguments: str) -> None:
    said = connection.settings_dict
    environment = os.environ | {
        name: str(value)
        for name, value in (
            ("PGHOST", said["HOST"]), ("PGPORT", said["PORT"]), ("PGUSER", said["USER"]), ("PGPASSWORD", said["PASSWORD"]),
            ("PGDATABASE", said["NAME"]),
        )
        if value
    }  # fmt: skip
    try:
        subprocess.run([program, *arguments], env=environment, check=True, capture_output=True)
    except FileNotFoundError:
        raise BackupRefused(f"{program} is not installed here: it comes with PostgreSQL's client.") from None
    except subprocess.CalledProcessError as error:
        raise BackupRefused(f"{program} failed: {error.stderr.decode(errors='replace').strip()[-400:]}") from None
