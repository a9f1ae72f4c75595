"""A published release and a published model, for the zoo's tests."""

import shutil
import tempfile
from functools import cache
from pathlib import Path

from django.utils import timezone

from core.models import User
from core.permissions import SYSTEM
from core.tokens import issue
from datasets_app.models import Release
from modelzoo.models import Revision, ZooModel
from modelzoo.services import accept_licence, publish_checkpoint
from modelzoo.services.licences import current_terms
from tests.base import DataFolderMixin
from tests.modelzoo.checkpoint import write_checkpoint

TRAINING = {"steps": 1200, "tokens": 3_456_789, "loss": 2.5, "validation_loss": 2.75, "config": {"fim_rate": 0.5}}


@cache
def checkpoint(seed: int = 0) -> Path:
    """One checkpoint for all tests of a process. Not to be written to."""
    return write_checkpoint(Path(tempfile.mkdtemp(prefix="fairstack-test-checkpoint-")) / str(seed), seed)


def make_release(version: str = "v1.0", state: str = "published", **fields: object) -> Release:
    """A release with figures."""
    values = {
        "recipe_digest": "c" * 64,
        "files": 12_345,
        "bytes": 67_890_123,
        "digest_bytes": "a" * 64,
        "digest_logical": "b" * 64,
        "tree_root": "d" * 64,
        "languages": [
            {"language": "Python", "files": 10_000, "bytes": 60_000_000},
            {"language": "C", "files": 2_345, "bytes": 7_890_123},
        ],
        "funnel": [
            {"reason": "kept", "files": 12_345, "bytes": 67_890_123},
            {"reason": "blocked_owner", "files": 7, "bytes": 700},
            {"reason": "not_text", "files": 5, "bytes": 500},
        ],
        "published_at": timezone.now() if state == "published" else None,
    }
    return Release.objects.create(name="the-stack-demo", version=version, state=state, **values | fields)


class ZooMixin(DataFolderMixin):
    """``self.release``, ``self.revision``, ``self.model``."""

    release: Release
    revision: Revision
    model: ZooModel

    def setUp(self) -> None:
        super().setUp()
        self.release = make_release()
        self.revision = self.publish()
        self.model = self.revision.model

    def publish(self, *, seed: int = 0, name: str = "demo", **fields: object) -> Revision:
        """Publish a checkpoint as ``fairstack/<name>``."""
        values: dict[str, object] = {
            "org": "fairstack",
            "folder": checkpoint(seed),
            "release": self.release,
            "lineage": {"run": 7, "tokenizer_digest": "e" * 64},
            "training": TRAINING,
        }
        return publish_checkpoint(SYSTEM, name=name, **values | fields)

    def copy_of_checkpoint(self) -> Path:
        """A checkpoint that a test may spoil."""
        return Path(shutil.copytree(checkpoint(), Path(tempfile.mkdtemp(dir=self.data)) / "checkpoint"))

    def accept(self, user: User) -> None:
        """The user accepts the model's licence."""
        accept_licence(user, self.model, current_terms(self.model.licence_key))

    def token(self, user: User, scopes: tuple[str, ...] = ("read",)) -> str:
        """A token's text."""
        return issue(user, "test", list(scopes))[1]

    def bearer(self, user: User, scopes: tuple[str, ...] = ("read",)) -> dict[str, str]:
        """The header by which a program speaks for ``user``: keyword arguments of the test client."""
        return {"HTTP_AUTHORIZATION": f"Bearer {self.token(user, scopes)}"}
