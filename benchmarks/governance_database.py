"""A throw-away database for the parts of ``governance.py``: a new SQLite file, or, where DATABASE_URL names a PostgreSQL server, a new
database on it that is dropped at the end."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NO_LIMITS = '{"look-up.network": "", "look-up.account": ""}'


@contextmanager
def throw_away_database(folder: Path) -> Iterator[str]:
    """Set the environment so that Django uses a new database, and give its kind."""
    url = os.environ.get("DATABASE_URL", "")
    os.environ["FAIRSTACK_DATA"] = str(folder / "var")
    os.environ["FAIRSTACK_KEYS"] = str(folder / "keys")
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    os.environ["FAIRSTACK_LIMITS"] = NO_LIMITS
    os.environ.setdefault("FAIRSTACK_LOG_LEVEL", "ERROR")
    if not url.startswith("postgres"):
        os.environ["DATABASE_URL"] = ""
        yield "SQLite"
        return
    import psycopg

    name = f"fairstack_bench_{os.getpid()}"
    base = url.rsplit("/", 1)[0]
    with psycopg.connect(f"{base}/postgres", autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        os.environ["DATABASE_URL"] = f"{base}/{name}"
        try:
            yield "PostgreSQL"
        finally:
            from django.db import connections

            connections.close_all()
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def insert(table: str, columns: tuple[str, ...], rows: Iterator[tuple[object, ...]]) -> None:
    """Put rows into a table, with everything that the database does for each."""
    from django.db import connection, transaction

    names = ", ".join(columns)
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}")
        else:
            cursor.cursor.connection.executemany(
                f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(columns))})", rows
            )


@contextmanager
def without_indexes(*tables: str) -> Iterator[None]:
    """For rows that are known to be right: foreign keys are not checked, indexes (but those of constraints) are built at the end."""
    from django.db import connection

    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s) "
            "AND indexname NOT IN (SELECT conname FROM pg_constraint)",
            [list(tables)],
        )
        indexes = cursor.fetchall()
        for name, _ in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("SET maintenance_work_mem = '512MB'")
        yield
        cursor.execute("SET session_replication_role = origin")
        for _, definition in indexes:
            cursor.execute(definition)
