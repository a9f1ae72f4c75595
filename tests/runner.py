"""The test runner: a data folder of its own for each run, plain static files, and quiet logs."""

import atexit
import logging
import os
import shutil
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.backends.sqlite3 import base  # noqa: F401  (the operations cannot be imported before it)
from django.db.backends.sqlite3.creation import DatabaseCreation
from django.db.backends.sqlite3.operations import DatabaseOperations
from django.test import TransactionTestCase
from django.test.runner import DiscoverRunner, ParallelTestSuite, _init_worker
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("POLARS_MAX_THREADS", "2")

FULL = os.environ.get("FAIRSTACK_FULL") == "1"  # `make full`

# Shared machines are slow at times: a property is about its truth, not about how long one example took.
hypothesis_settings.register_profile(
    "fairstack",
    deadline=None,
    max_examples=1000 if FULL else 100,
    suppress_health_check=[HealthCheck.too_slow],
)
hypothesis_settings.load_profile("fairstack")


def fresh_journal() -> None:
    """A journal of this process's own, and an empty one: no backup was restored."""
    settings.FAIRSTACK_JOURNAL = Path(tempfile.gettempdir()) / f"fairstack-journal-{os.getpid()}"
    os.environ["FAIRSTACK_JOURNAL"] = str(settings.FAIRSTACK_JOURNAL)
    shutil.rmtree(settings.FAIRSTACK_JOURNAL, ignore_errors=True)


def let_flush_empty_the_journal() -> None:
    """Who empties all tables between two tests restores no backup: the journal is emptied with them."""
    original = TransactionTestCase._fixture_teardown

    def teardown(self: TransactionTestCase) -> None:
        original(self)
        fresh_journal()

    TransactionTestCase._fixture_teardown = teardown  # type: ignore[method-assign]


def start_worker(*args: Any, **kwargs: Any) -> None:
    """The start of one of several processes that run tests at once."""
    _init_worker(*args, **kwargs)
    fresh_journal()
    atexit.register(shutil.rmtree, settings.FAIRSTACK_JOURNAL, ignore_errors=True)


class Workers(ParallelTestSuite):
    """Tests in several processes, each with a journal of its own."""

    init_worker = start_worker


def let_flush_pass_the_triggers() -> None:
    """Between two TransactionTestCases Django empties all tables; on SQLite by DELETE, which the append-only triggers refuse.

    The flush lifts those triggers and puts them back, so that every test runs with them in place.
    """
    original = DatabaseOperations.sql_flush
    tables = [
        table
        for name in ("0002_append_only", "0004_ledger_tree")
        for table in import_module(f"core.migrations.{name}").TABLES
    ]

    def sql_flush(self: DatabaseOperations, *args: Any, **kwargs: Any) -> list[str]:
        drops = [f"DROP TRIGGER IF EXISTS {table}_no_delete" for table in tables]
        creates = [
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            for table in tables
        ]
        return [*drops, *original(self, *args, **kwargs), *creates]

    DatabaseOperations.sql_flush = sql_flush  # type: ignore[method-assign]


def let_clones_have_everything() -> None:
    """Parallel tests run on copies of the SQLite file: what still lies in its write-ahead log has to be in it before."""
    original = DatabaseCreation._clone_test_db

    def clone(self: DatabaseCreation, *args: Any, **kwargs: Any) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        original(self, *args, **kwargs)

    DatabaseCreation._clone_test_db = clone  # type: ignore[method-assign]


class Runner(DiscoverRunner):
    """Runs the suite on a file database, so that workers, kills and two processes at once are real."""

    parallel_test_suite = Workers

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not FULL:
            self.exclude_tags = {*self.exclude_tags, "full"}

    def setup_test_environment(self, **kwargs: Any) -> None:
        super().setup_test_environment(**kwargs)
        let_flush_pass_the_triggers()
        let_clones_have_everything()
        let_flush_empty_the_journal()
        self._data = Path(tempfile.mkdtemp(prefix="fairstack-tests-"))
        settings.FAIRSTACK_DATA = self._data
        # What lies outside the data folder: of this run, and with the journal of each process ending when its tables are emptied.
        settings.FAIRSTACK_UNDO_KEYS = self._data.with_name(f"{self._data.name}-keys") / "undo"
        fresh_journal()
        # No test asks a forge of the world whose a name is: those that are about it run their own on loopback.
        settings.FAIRSTACK_ACCOUNTS = settings.FAIRSTACK_ACCOUNT_NUMBERS = {}
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
        # All tests come from one address: only those about limits have any.
        settings.FAIRSTACK_LIMITS = dict.fromkeys(import_module("core.limits").LIMITS, "")
        settings.STORAGES = settings.STORAGES | {
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
        }
        # The wake-ups of a test go into its own broker folder, where no worker of a running site listens.
        if not settings.REDIS_URL:
            from config.celery import app

            messages, control = self._data / "broker" / "messages", self._data / "broker" / "control"
            messages.mkdir(parents=True)
            control.mkdir()
            app.conf.broker_transport_options = {
                **app.conf.broker_transport_options,
                "data_folder_in": str(messages),
                "data_folder_out": str(messages),
                "control_folder": str(control),
            }
        for name in ("django.request", "django_structlog"):
            logging.getLogger(name).setLevel(logging.CRITICAL)

    def teardown_test_environment(self, **kwargs: Any) -> None:
        shutil.rmtree(self._data, ignore_errors=True)
        shutil.rmtree(settings.FAIRSTACK_UNDO_KEYS.parent, ignore_errors=True)
        shutil.rmtree(settings.FAIRSTACK_JOURNAL, ignore_errors=True)
        super().teardown_test_environment(**kwargs)
