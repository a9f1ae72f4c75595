"""The database as its administrator can change it: without the triggers that keep tables append-only."""

from types import TracebackType

from django.db import connection


class Unprotected:
    """Lifts the triggers of some tables for a while; inside, they can be changed with plain SQL."""

    def __init__(self, *tables: str) -> None:
        self.tables = tables

    def __enter__(self) -> None:
        if connection.vendor == "postgresql":
            connection.check_constraints()  # it alters no table whose rows wait for a check
        for table in self.tables:
            if connection.vendor == "postgresql":
                self._execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            else:
                for act in ("update", "delete"):
                    self._execute(f"DROP TRIGGER {table}_no_{act}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for table in self.tables:
            if connection.vendor == "postgresql":
                self._execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
            else:
                for act in ("update", "delete"):
                    self._execute(
                        f"CREATE TRIGGER {table}_no_{act} BEFORE {act} ON {table} "
                        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                    )

    def _execute(self, statement: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)
