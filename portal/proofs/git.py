"""Reading the names of branches, or one small file of the default branch, by running ``git`` where it can do no harm.

The repository is a stranger's: nothing of it is checked out, its configuration and hooks play no part, no credential is at hand,
redirects are not followed (a renamed repository must not vouch for its old name), and time and size have ends.
"""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import quote, urlsplit

from datasets_app.pipeline.sources.git_process import OPTIONS, environment

TIMEOUT = 60.0  # seconds for the whole look
LARGEST_FETCH = 64 * 1024 * 1024  # bytes of any one file that git may write
LARGEST_FILE = 4096  # bytes of a challenge file; one that has more is not read
PROTOCOLS = ("https", "http", "file")  # file and http stand for local and test forges; the site's settings choose


class GitRefused(Exception):
    """git gave no answer.

    Attributes:
        outcome: A key of ``portal.proofs.outcomes``.
    """

    def __init__(self, outcome: str) -> None:
        super().__init__(outcome)
        self.outcome = outcome


def clone_address(template: str, owner: str, repository: str) -> str:
    """The clone address of a repository by its forge's template. The names have passed :mod:`portal.names`.

    Raises:
        ValueError: The template's protocol is not one that we speak.
    """
    address = template.format(owner=quote(owner, safe="~"), repository=quote(repository, safe="/~"))
    if urlsplit(address).scheme not in PROTOCOLS:
        raise ValueError(f"The address of a forge must begin with one of {', '.join(PROTOCOLS)}: {template!r}.")
    return address


def read_file(
    address: str, path: str, workdir: Path, *, timeout: float = TIMEOUT, largest: int = LARGEST_FETCH
) -> bytes:
    """The content of ``path`` at the top of the default branch.

    Args:
        address: Where to clone from.
        path: A plain file name.
        workdir: An empty folder; git may write below it only.
        timeout: Seconds for everything together.
        largest: Bytes that git may write into any one file.

    Raises:
        GitRefused: The repository cannot be read, is empty or too large, or has no such plain file.
    """
    runner = _Git(workdir, urlsplit(address).scheme, timeout, largest)
    clone = [
        "clone",
        "--quiet",
        "--bare",
        "--depth=1",
        "--no-tags",
        "--single-branch",
        "--filter=blob:none",
        "--template=",
    ]
    runner.run([*clone, "--", address, "repository"])
    if not runner.run(["-C", "repository", "rev-list", "--max-count=1", "--all"]).strip():
        raise GitRefused("empty")
    entry = runner.run(["-C", "repository", "ls-tree", "-z", "HEAD", "--", path]).split(b"\0")[0]
    if not entry:
        raise GitRefused("missing")
    mode, kind, rest = entry.split(b" ", 2)
    if kind != b"blob" or mode not in (b"100644", b"100755", b"100664"):
        raise GitRefused("not_a_file")
    blob = rest.split(b"\t", 1)[0].decode("ascii")
    if int(runner.run(["-C", "repository", "cat-file", "-s", blob])) > LARGEST_FILE:
        raise GitRefused("wrong_text")
    return runner.run(["-C", "repository", "cat-file", "blob", blob])


def branches(address: str, prefix: str, workdir: Path, *, timeout: float = TIMEOUT) -> list[str]:
    """The branches whose names begin with ``prefix``, at most 100. Pull requests of strangers are no branches.

    Raises:
        GitRefused: The repository cannot be read.
    """
    runner = _Git(workdir, urlsplit(address).scheme, timeout, LARGEST_FETCH)
    lines = runner.run(["ls-remote", "--heads", "--", address, f"refs/heads/{prefix}*"]).decode("utf-8", "replace")
    names = [line.partition("\t")[2] for line in lines.splitlines()[:100]]
    return [name.removeprefix("refs/heads/") for name in names if name.startswith(f"refs/heads/{prefix}")]


class _Git:
    """git, run in a corner of its own, against one clock."""

    def __init__(self, workdir: Path, scheme: str, timeout: float, largest: int) -> None:
        self.workdir = workdir
        self.blocks = str(max(1, largest // 512))
        self.left = timeout
        self.environment = environment(workdir, [scheme]) | {
            "GIT_SSH_COMMAND": "false",
            "GIT_CEILING_DIRECTORIES": str(workdir.parent),
        }
        self.environment.pop("GIT_NO_LAZY_FETCH")  # the one blob is fetched when it is asked for
        self.options = [
            *OPTIONS,
            *("-c", "http.lowSpeedTime=20"),
            *("-c", "core.bigFileThreshold=1m"),  # a bomb of a blob is streamed to the disk, not into memory
        ]

    def run(self, arguments: list[str]) -> bytes:
        """Run one git command and give what it prints."""
        began = time.monotonic()
        limited = ["sh", "-c", 'ulimit -f "$1"; shift; exec git "$@"', "sh", self.blocks, *self.options, *arguments]
        process = subprocess.Popen(
            limited,
            cwd=self.workdir,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            out, errors = process.communicate(timeout=max(0.1, self.left))
        except subprocess.TimeoutExpired:
            raise GitRefused("too_slow") from None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            self.left -= time.monotonic() - began
        if process.returncode:
            raise GitRefused("too_large" if _outgrew(process.returncode, errors) else "unreachable")
        return out


def _outgrew(code: int, errors: bytes) -> bool:
    """Whether git or a child of it met the limit on file size: index-pack then dies without a word, and fetch-pack complains."""
    silent = b"invalid index-pack output" in errors and b"early EOF" not in errors
    return code == -signal.SIGXFSZ or b"File too large" in errors or silent
