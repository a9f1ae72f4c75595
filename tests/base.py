"""What many tests need: a data folder of their own, and people."""

import shutil
import tempfile
from pathlib import Path

from django.test import override_settings

from core.models import User


class DataFolderMixin:
    """Gives each test a fresh data folder, ``self.data``, and fresh folders for what lies outside it."""

    data: Path

    def setUp(self) -> None:
        super().setUp()  # type: ignore[misc]
        self.data = Path(tempfile.mkdtemp(prefix="fairstack-test-"))
        keys = Path(tempfile.mkdtemp(prefix="fairstack-keys-"))
        self.addCleanup(shutil.rmtree, keys, ignore_errors=True)  # type: ignore[attr-defined]
        overridden = override_settings(
            FAIRSTACK_DATA=self.data, FAIRSTACK_UNDO_KEYS=keys / "undo", FAIRSTACK_JOURNAL=keys / "journal"
        )
        overridden.enable()
        self.addCleanup(shutil.rmtree, self.data, ignore_errors=True)  # type: ignore[attr-defined]
        self.addCleanup(overridden.disable)  # type: ignore[attr-defined]


def make_user(name: str = "ada", **fields: object) -> User:
    """A person with the password ``correct horse battery``."""
    return User.objects.create_user(name, password="correct horse battery", **fields)


def make_staff(name: str = "grace") -> User:
    """A superuser on the staff."""
    return User.objects.create_superuser(name, password="correct horse battery")
