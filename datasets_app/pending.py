"""What one purge has to erase and to look for afterwards, kept on disk until every store has let go of it.

A purge that was cut off after the corpus forgot its blobs could not find out again which they were. The list of blobs is no
content; the windows are, so their file can be read by this account alone, and both are deleted when the purge is done.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

from core.models import Job
from core.states import JOB_ACTIVE
from datasets_app.pipeline.atomic import replacing, write_bytes
from datasets_app.pipeline.markers import WIDTH, Markers


class PendingPurge:
    """The purge of one job, together with those that ended without being done.

    Attributes:
        blobs: The blobs that have to go (git blob SHA-1, hex).
        windows: Bytes that stand in them alone.
    """

    def __init__(self, folder: Path, job_id: object) -> None:
        """Find what this job, and jobs that are no longer active, left in ``folder``."""
        self._list, self._windows = _paths(folder, job_id)
        alive = {str(key) for key in Job.objects.filter(state__in=JOB_ACTIVE).values_list("pk", flat=True)}
        left = {path.stem.removeprefix("purge-") for path in folder.glob("purge-*.*")} - alive - {str(job_id)}
        self._left = [path for other in sorted(left) for path in _paths(folder, other)]
        self.blobs: set[str] = set()
        self.windows: list[bytes] = []

    @property
    def paths(self) -> list[Path]:
        """Its own files, in which the windows stand."""
        return [self._list, self._windows, *self._left]

    def begin(self, blobs: Iterable[str], choose: Callable[[set[str], set[bytes]], Markers]) -> Markers:
        """Take note of what has to go now beside what was left, and choose windows while the texts are still there.

        Args:
            blobs: What has to go by the block-list of now.
            choose: Gives windows for blobs, and for windows that were chosen before.
        """
        known: set[bytes] = set()
        self.blobs = set(blobs)
        for path in self.paths:
            if not path.exists():
                continue
            data = path.read_bytes()
            if path.suffix == ".txt":
                self.blobs |= set(data.decode("ascii").split())
            else:
                known |= {data[at : at + WIDTH] for at in range(0, len(data), WIDTH)}
        write_bytes(self._list, "\n".join(sorted(self.blobs)).encode())
        chosen = choose(self.blobs, known)
        self.windows = chosen.windows
        if chosen.windows:
            with replacing(self._windows) as temporary:
                temporary.touch(0o600)
                temporary.write_bytes(b"".join(chosen.windows))
        return chosen

    def finish(self) -> None:
        """Forget everything."""
        for path in self.paths:
            path.unlink(missing_ok=True)


def _paths(folder: Path, job_id: object) -> tuple[Path, Path]:
    return folder / f"purge-{job_id}.txt", folder / f"purge-{job_id}.windows"
