"""What can go wrong with a release and is no crash: each message says what was wrong, where, and what to do."""

from collections.abc import Sequence

from datasets_app.pipeline.errors import PipelineError
from datasets_app.pipeline.reasons import REASONS, FunnelRow


class ReleaseError(PipelineError):
    """Anything expected that can go wrong with a release."""


class EmptyCorpus(ReleaseError):
    """The corpus holds no files. ``funnel`` is empty."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.funnel: list[FunnelRow] = []


class NothingKept(ReleaseError):
    """No file passed the recipe. ``funnel`` has the counts by reason (not folded for the public)."""

    def __init__(self, funnel: Sequence[FunnelRow]) -> None:
        self.funnel = list(funnel)
        files = sum(row["files"] for row in self.funnel)
        largest = sorted(self.funnel, key=lambda row: -row["files"])[:3]
        causes = "; ".join(f"{row['files']} {REASONS[row['reason']].text}" for row in largest)
        super().__init__(
            f"None of the {files} files would be in the release: {causes}. Loosen the recipe or ingest more."
        )


class AttributesMissing(ReleaseError):
    """Blobs of the corpus have no attributes yet."""


class CorpusChanged(ReleaseError):
    """The corpus no longer holds what the decisions were taken on."""


class ReleaseExists(ReleaseError):
    """A release of this name and version is there already, and it is another one."""


class BuildInProgress(ReleaseError):
    """Somebody else is building the same release at this moment."""


class NoSuchRelease(ReleaseError):
    """There is no release of this name and version, or it was withdrawn."""


class ShardsGone(ReleaseError):
    """A shard that was to be reused was deleted while the release was being built."""


class ReleaseDamaged(ReleaseError):
    """A file of a release is missing, or its text is not the one that was published."""


class NothingBlocked(ReleaseError):
    """A release was to be issued again though it holds nothing that is blocked."""


class NothingLeft(ReleaseError):
    """Everything in a release is blocked, so that nothing is left to issue again."""
