"""What a commit holds, read from the objects of a repository: a list of its tree, and blobs by one long-lived ``git cat-file``."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType

from datasets_app.pipeline.sources.base import FileSkipped
from datasets_app.pipeline.sources.git_process import CHUNK, Git, GitFailed, kill

WANTED = "refs/wanted"
SYMLINK, SUBMODULE = b"120000", b"160000"
# What staff may ask for: a branch, a tag, or a commit's hash, whole or shortened. No ranges, no "@{1 day ago}".
_REVISION = re.compile(r"[A-Za-z0-9_][\w.+/-]{0,199}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a commit's tree: its mode as git writes it, the object's hash in hex, and the path in bytes."""

    mode: bytes
    object_id: str
    path: bytes

    @property
    def text_path(self) -> str:
        """The path as text; bytes that are no UTF-8 become surrogates, which no table takes."""
        return self.path.decode("utf-8", errors="surrogateescape")


def check_revision(revision: str) -> str:
    """The same text.

    Raises:
        ValueError: It can be no branch, tag or commit.
    """
    if not _REVISION.fullmatch(revision) or ".." in revision or revision.endswith((".lock", "/", ".")):
        raise ValueError(f"{revision!r} is no branch, tag or commit. Give a name such as main or v1.0, or a hash.")
    return revision


def resolve(git: Git, revision: str | None, *, asked_for: bool = False) -> str:
    """The commit (its whole hash, in hex) that a branch, tag or hash names; that of ``HEAD`` where None.

    Args:
        git: The repository.
        revision: Has passed :func:`check_revision`.
        asked_for: Whether a clone was made for this revision and holds it as :data:`WANTED`, if it could be asked for alone.

    Raises:
        GitFailed: The repository has no such commit.
    """
    names = [WANTED] if asked_for else []
    names += [revision, f"refs/remotes/origin/{revision}"] if revision else [] if asked_for else ["HEAD"]
    for name in names:
        try:
            found = git.run("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        except GitFailed:
            continue
        return found.decode("ascii").strip()
    raise GitFailed(f"There is no commit {revision}." if revision else "It has no commit yet.")


def tree(git: Git, commit: str) -> Iterator[Entry]:
    """Every file, link and submodule of a commit, in git's order.

    Raises:
        GitFailed: An object is missing.
    """
    for record in git.records("ls-tree", "-r", "-z", "--full-tree", commit):
        facts, path = record.split(b"\t", 1)
        mode, _, object_id = facts.split(b" ")
        yield Entry(mode, object_id.decode("ascii"), path)


def is_shallow(git: Git) -> bool:
    """Whether part of the history was never fetched."""
    return git.run("rev-parse", "--is-shallow-repository").strip() != b"false"


class BlobReader:
    """Blobs of one repository by one ``git cat-file --batch``, started at the first read."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "BlobReader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        if (process := self._process) is not None:
            self._process = None
            kill(process)
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()

    def read(self, object_id: str, limit: int) -> bytes:
        """The bytes of one blob.

        Raises:
            FileSkipped: ``missing`` (a partial clone), ``too_large``, ``not_a_file`` or ``unreadable`` (damaged).
        """
        if self._process is None:
            self._process = self._git.start(["cat-file", "--batch"], subprocess.PIPE)
        source, sink = self._process.stdout, self._process.stdin
        assert source is not None and sink is not None
        try:
            sink.write(object_id.encode("ascii") + b"\n")
            sink.flush()
            header = source.readline().split()
            if len(header) == 2:  # "<id> missing"
                raise FileSkipped("missing", object_id)
            kind, size = header[1], int(header[2])
            if kind != b"blob" or size > limit:
                self._pass_over(size + 1)
                raise FileSkipped("too_large" if kind == b"blob" else "not_a_file", object_id)
            content = source.read(size)
            if len(content) != size or source.read(1) != b"\n":
                raise OSError("the answer was cut off")
        except (OSError, ValueError, IndexError) as error:
            self.close()  # git died of a damaged object; the next read starts it again
            raise FileSkipped("unreadable", object_id) from error
        return content

    def _pass_over(self, size: int) -> None:
        assert self._process is not None and self._process.stdout is not None
        while size > 0:
            chunk = self._process.stdout.read(min(size, CHUNK))
            if not chunk:
                raise OSError("the answer was cut off")
            size -= len(chunk)
