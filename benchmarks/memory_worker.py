"""A worker whose memory is measured by ``memory.py``: it reads what to do from its input, does it, and says what it took."""

import json
import sys
from pathlib import Path

import measured


def main() -> None:
    work = json.load(sys.stdin)
    results = []
    if sys.argv[1] == "attributes":
        from datasets_app.pipeline import attributes, needs
        from datasets_app.pipeline.recipe import preset

        folder = Path(work["corpus"])
        attributes.compute(folder, needs.needed(folder, preset(work["recipe"])), workers=1)
    else:
        from datasets_app.pipeline.executors import task_of

        results = [task_of(work["task"])(*work["common"], spec) for spec in work["specs"]]
    print(json.dumps({"results": results, "peak": measured.peak_memory()}))


main()
