"""Running engines in processes of their own, so that the CPU time and memory of each are its alone.

A runner is started once and then told to go, round by round: so the rounds of two can be interleaved, and what starting costs
(importing, compiling, reading the texts) is in none of them.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.measured import MARK

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Run:
    """One round: seconds, CPU seconds, how much text was gone through, and the most memory held so far (bytes)."""

    wall: float
    cpu: float
    mb: float
    files: int
    rss: int

    @property
    def speed(self) -> float:
        """MB a CPU-second."""
        return self.mb / self.cpu


class Runner:
    """A script of this folder that serves rounds (see ``peers/measured.py``)."""

    def __init__(self, script: str, *arguments: Path | str, python: Path | str = sys.executable) -> None:
        self._script = script
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (closed in __exit__)
        self._process = subprocess.Popen(
            [str(python), str(HERE / script), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=environment(),
        )
        self._answer()  # it is ready

    def __enter__(self) -> "Runner":
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._errors.close()

    def round(self) -> Run:
        """Let it run once.

        Raises:
            SystemExit: It failed; its last words are shown.
        """
        assert self._process.stdin
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return Run(**json.loads(self._answer()))

    def _answer(self) -> str:
        assert self._process.stdout
        for line in self._process.stdout:
            if line.startswith(MARK):
                return line.removeprefix(MARK)
        self._errors.seek(0)
        raise SystemExit(f"{self._script} failed:\n{self._errors.read().decode(errors='replace')[-2000:]}")


def environment() -> dict[str, str]:
    """Ours, with the folder of ``measured`` and the project's on the path, and no network for whoever would look for models."""
    paths = os.pathsep.join([str(HERE / "peers"), str(HERE.parent)])
    return os.environ | {
        "PYTHONPATH": paths,
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "PYTHONWARNINGS": "ignore",
    }


def pairs(ours: Runner, theirs: Runner, count: int) -> tuple[list[Run], list[Run]]:
    """Rounds of two runners, interleaved; which is first alternates, so that neither always has the warmer cache."""
    found: tuple[list[Run], list[Run]] = ([], [])
    for number in range(count):
        for which in (0, 1) if number % 2 else (1, 0):
            found[which].append((ours, theirs)[which].round())
    return found


def median(values: Sequence[float]) -> float:
    """The median, to three figures."""
    return float(f"{statistics.median(values):.3g}")


def row(name: str, ours: list[Run], theirs: list[Run]) -> float:
    """Print a peer's line of a table (texts, MB, CPU-s, MB a CPU-s, ours, ratio, pairs), and give the median of the ratios."""
    ratio = median([one.speed / two.speed for one, two in zip(ours, theirs, strict=True)])
    speeds = [median([run.speed for run in runs]) for runs in (theirs, ours)]
    print(
        f"{name:<28}{theirs[0].files:>8,}{theirs[0].mb:>8.1f}{median([run.cpu for run in theirs]):>9.2f}"
        f"{speeds[0]:>10.1f}{speeds[1]:>9.1f}{ratio:>8.2f}{len(ours):>7}"
    )
    return ratio
