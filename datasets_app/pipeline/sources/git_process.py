"""Running ``git`` on what strangers made: no hooks, no prompts, no credentials, no programs that a repository's config names.

Nothing is ever checked out. The system's and the user's configuration play no part. Reading a repository that lies on the
disk may use no protocol at all, so that a partial clone cannot fetch on the side; cloning may use those that the
deployment allows.
"""

import contextlib
import os
import re
import subprocess
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from datasets_app.pipeline.errors import SourceError

PROTOCOLS = ("https", "ssh", "file", "http")
"""What a deployment may allow; ``http`` and ``file`` stand for local forges and tests."""
CHUNK = 1 << 16  # bytes read from git at a time


class GitFailed(SourceError):
    """git gave no answer; the text says what was asked and the last line that git said."""


@dataclass(frozen=True)
class GitLimits:
    """How long and how much git may work.

    Attributes:
        seconds: For any one command.
        largest: Bytes of any one file that git may write, so of the pack of a clone.
    """

    seconds: float = 3600.0
    largest: int = 16 << 30

    def __post_init__(self) -> None:
        if self.seconds <= 0 or self.largest < 1:
            raise ValueError(f"The limits of git must be above 0, not {self.seconds} s and {self.largest} bytes")


def environment(home: Path, protocols: Iterable[str]) -> dict[str, str]:
    """The variables that git runs with.

    Args:
        home: A folder without any configuration.
        protocols: Those that it may speak; none for a repository that lies on the disk.
    """
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "true",
        "SSH_ASKPASS": "true",
        "GIT_SSH_COMMAND": "ssh -oBatchMode=yes -oConnectTimeout=20",
        "GIT_ALLOW_PROTOCOL": ":".join(protocols),
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_OPTIONAL_LOCKS": "0",
    } | {name: os.environ[name] for name in ("https_proxy", "HTTPS_PROXY", "SSL_CERT_FILE") if name in os.environ}


OPTIONS = (
    *("-c", "safe.directory=*"),  # a mirror may belong to another account; nothing of its config is run
    *("-c", "credential.helper="),
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.commitGraph=true"),
    *("-c", "http.followRedirects=false"),  # a renamed repository must not come in under its old name
    *("-c", "http.lowSpeedLimit=500", "-c", "http.lowSpeedTime=60"),
    *("-c", "fetch.recurseSubmodules=false"),
    *("-c", "fetch.fsckObjects=false"),
    *("-c", "gc.auto=0", "-c", "maintenance.auto=false"),
    *("-c", "fetch.unpackLimit=1"),  # one pack file: the limit on a file's size then is one on the fetch
    *("-c", "core.bigFileThreshold=16m"),
)


class Git:
    """git in one repository.

    Args:
        folder: Where it runs: a git folder, or an empty folder to clone into.
        home: A folder without any configuration.
        protocols: Those that it may speak.
        limits: See :class:`GitLimits`.
    """

    def __init__(
        self, folder: Path, home: Path, protocols: Sequence[str] = (), limits: GitLimits | None = None
    ) -> None:
        self.folder = folder
        self.limits = limits or GitLimits()
        self._environment = environment(home, protocols)

    def start(self, arguments: Sequence[str], stdin: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        """Start one command; its standard output is a pipe. It stays in our process group, so that whatever ends a job ends it."""
        limited = 'ulimit -f "$1"; shift; exec git "$@"'
        return subprocess.Popen(
            ["sh", "-c", limited, "sh", str(max(1, self.limits.largest // 512)), *OPTIONS, *arguments],
            cwd=self.folder,
            env=self._environment,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *arguments: str) -> bytes:
        """What one command prints; for answers that fit into memory.

        Raises:
            GitFailed: It ended badly or took too long.
        """
        return b"".join(self._chunks(arguments))

    def records(self, *arguments: str) -> Iterator[bytes]:
        """The parts of what a command prints, where a NUL ends each, as they come.

        Raises:
            GitFailed: It ended badly or took too long.
        """
        rest = b""
        for chunk in self._chunks(arguments):
            *whole, rest = (rest + chunk).split(b"\0")
            yield from whole
        if rest:
            yield rest

    def _chunks(self, arguments: Sequence[str]) -> Iterator[bytes]:
        process = self.start(arguments)
        late = threading.Event()

        def stop() -> None:
            late.set()
            kill(process)

        clock = threading.Timer(self.limits.seconds, stop)
        clock.daemon = True
        clock.start()
        said: list[bytes] = []
        listener = threading.Thread(target=_listen, args=(process, said), daemon=True)
        listener.start()
        assert process.stdout is not None
        try:
            while chunk := process.stdout.read1(CHUNK):  # type: ignore[attr-defined]
                yield chunk
            process.wait()
        finally:
            clock.cancel()
            kill(process)
            process.stdout.close()
            listener.join()
        if late.is_set():
            raise GitFailed(
                f"git {_verb(arguments)} took longer than {self.limits.seconds:.0f} seconds and was stopped."
            )
        if process.returncode:
            raise GitFailed(f"git {_verb(arguments)} failed: {_last_line(said) or f'status {process.returncode}'}")


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process that has not ended, with all that it started (to fetch, to index). They have no group of their own to be
    killed by, since they belong to that of the job."""
    if process.poll() is not None:
        return
    try:
        started = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        started = []
    process.kill()
    for one in started:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    process.wait()


def _listen(process: subprocess.Popen[bytes], said: list[bytes]) -> None:
    """Keep the last of what git says of its troubles, so that it never blocks on a full pipe."""
    assert process.stderr is not None
    with process.stderr as pipe:
        while chunk := pipe.read1(CHUNK):  # type: ignore[attr-defined]
            said.append(chunk)
            del said[:-4]


def _last_line(said: list[bytes]) -> str:
    """The last line of what git said, without addresses and what stands in quotes: those may name a person."""
    lines = b"".join(said).decode("utf-8", errors="replace").strip().splitlines()
    return re.sub(r"'[^']*'|\"[^\"]*\"|\S+://\S+|\S+@\S+", "...", lines[-1])[:300] if lines else ""


def _verb(arguments: Sequence[str]) -> str:
    return next((argument for argument in arguments if argument in _VERBS), "")


_VERBS = frozenset({"clone", "config", "fetch", "init", "log", "ls-tree", "rev-parse", "cat-file"})
