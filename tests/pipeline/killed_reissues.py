"""A program for tests: issues the same release again and again, killed each time one step later.

    python -m tests.pipeline.killed_reissues <corpus> <releases> <folder for copies>

Steps and copies are as in ``killed_builds``.
"""

import os
import shutil
import signal
import sys
from pathlib import Path

from datasets_app.pipeline.decide import Blocks
from datasets_app.pipeline.reissue import ReissueSpec, reissue
from tests.pipeline.killed_builds import killing

SPEC = ReissueSpec("demo", "1.0", "1.0+r1", Blocks(frozenset({"github.com/owner1"})))


def reissue_until(step: int, corpus: Path, releases: Path) -> None:
    """Issue it again, and die before the step of this number."""
    count = [0]
    os.fsync = killing(step, os.fsync, count)
    Path.rename = killing(step, Path.rename, count)  # type: ignore[method-assign]
    Path.replace = killing(step, Path.replace, count)  # type: ignore[method-assign]
    reissue(corpus, releases, SPEC, workers=1)


def main() -> None:
    corpus, releases, copies = map(Path, sys.argv[1:])
    step = 0
    while True:
        step += 1
        copy = copies / f"{step:03d}"
        shutil.copytree(releases, copy)
        child = os.fork()  # safe here as in killed_builds: the libraries have no threads yet
        if child == 0:
            reissue_until(step, corpus, copy)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            raise SystemExit(os.WEXITSTATUS(status))
        assert os.WTERMSIG(status) == signal.SIGKILL
        print(copy, flush=True)


if __name__ == "__main__":
    main()
