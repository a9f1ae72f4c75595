"""How much memory one worker takes: one that writes shards of the default size, and one that computes attributes.

Each is a process of its own that does nothing else (``memory_worker.py``), as a Celery worker is. The peak is the resident memory that
the kernel has seen, interpreter and libraries included.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

from benchmarks import corpus, runners
from benchmarks.folder_source import FolderSource
from datasets_app.pipeline.build import BuildSpec, build
from datasets_app.pipeline.corpus import ingest
from datasets_app.pipeline.executors import Spec
from datasets_app.pipeline.recipe import preset


class OtherProcess:
    """An executor that runs all tasks, one after the other, in one other process, and remembers the most memory it took."""

    peak = 0

    def run(
        self, task: str, common: Sequence[str], specs: Sequence[Spec], tick: Callable[[], None]
    ) -> Generator[tuple[int, Any], None, None]:
        """See ``datasets_app.pipeline.executors.Executor``."""
        answer = worker("task", {"task": task, "common": list(common), "specs": list(specs)})
        self.peak = max(self.peak, answer["peak"])
        tick()
        yield from enumerate(answer["results"])


def worker(kind: str, work: dict[str, Any]) -> dict[str, Any]:
    """Let a worker do this and end; gives its answer."""
    script = Path(__file__).with_name("memory_worker.py")
    done = subprocess.run(
        [sys.executable, str(script), kind],
        input=json.dumps(work),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=runners.environment(),
    )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def measure_memory(folder: Path) -> dict[str, float]:
    """Print what each worker took, and give the larger: GB (10^9 bytes)."""
    recipe = preset("starcoder")
    data = folder / "memory"
    ingest(FolderSource(corpus.ensure(quick=True)), data)
    facts = worker("attributes", {"corpus": str(data), "recipe": recipe.name})
    executor = OtherProcess()
    made = build(data, folder / "releases", BuildSpec("bench", "1.0", recipe), executor=executor)
    largest = max(entry["bytes"] for entry in made.shards) / 1e6
    print(f"a worker that computes attributes: {facts['peak'] / 1e9:.2f} GB at most")
    print(
        f"a worker that writes {len(made.shards)} shards (aimed at {recipe.shard_bytes / 1e6:.0f} MB of source, the largest "
        f"{largest:.0f} MB): {executor.peak / 1e9:.2f} GB at most"
    )
    return {"worker_rss_gb": round(max(facts["peak"], executor.peak) / 1e9, 2)}
