"""A program for tests: builds the same release again and again, killed each time one step later.

    python -m tests.pipeline.killed_builds <corpus> <releases> <folder for copies>

A step is a flush or a rename: between two of them nothing changes on the disk that outlives the process. For each step it
copies the releases, builds in a child that kills itself (SIGKILL) just before that step, and prints the copy's path. It ends
after the child that was not killed any more.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from datasets_app.pipeline.build import BuildSpec, build
from datasets_app.pipeline.recipe import Recipe

RECIPE = Recipe(name="small", shard_bytes=10_000, row_group_bytes=3_000)
SPEC = BuildSpec("demo", "1.1", RECIPE, blocked_owners=frozenset({"github.com/owner1"}), parent=("demo", "1.0"))


def killing(step: int, function: Callable[..., Any], count: list[int]) -> Callable[..., Any]:
    """``function``, until it would be the call number ``step`` of all that share ``count``."""

    def call(*args: Any, **kwargs: Any) -> Any:
        count[0] += 1
        if count[0] == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*args, **kwargs)

    return call


def build_until(step: int, corpus: Path, releases: Path) -> None:
    """Build, and die before the step of this number."""
    count = [0]
    os.fsync = killing(step, os.fsync, count)
    Path.rename = killing(step, Path.rename, count)  # type: ignore[method-assign]
    Path.replace = killing(step, Path.replace, count)  # type: ignore[method-assign]
    build(corpus, releases, SPEC, workers=1)


def main() -> None:
    corpus, releases, copies = map(Path, sys.argv[1:])
    step = 0
    while True:
        step += 1
        copy = copies / f"{step:03d}"
        shutil.copytree(releases, copy)
        # Forking is safe here: this process has imported the libraries but never used them, so they have no threads yet.
        child = os.fork()
        if child == 0:
            build_until(step, corpus, copy)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            raise SystemExit(os.WEXITSTATUS(status))
        assert os.WTERMSIG(status) == signal.SIGKILL
        print(copy, flush=True)


if __name__ == "__main__":
    main()
