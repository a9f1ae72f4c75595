"""The numbers of the curation engine, side by side with its peers in one run.

    .venv/bin/python benchmarks/curation.py            every number, five interleaved pairs each: takes much longer
    .venv/bin/python benchmarks/curation.py --quick    smaller parts and fewer pairs: under five minutes on two idle cores
    .venv/bin/python benchmarks/curation.py --only near,quality

Corpus and peers are fetched from the package index when they are first needed (``corpus.py``, ``peers/``). One table a section; the
last line is JSON with all figures. What each figure means stands in the module that measures it. Speeds are MB of text a
CPU-second (user and system, all processes and threads), because machines are shared; ratios are medians of interleaved pairs.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pyarrow.parquet as pq

from benchmarks import corpus, memory, near, optout, pii, pipeline, quality, texts
from benchmarks.peers import environment

SECRETS, SECRETS_QUICK = 2500, 150  # texts that detect-secrets scans whole, a tenth of a second each
SECRETS_PAIRS, SECRETS_PAIRS_QUICK = 5, 3
Section = Callable[[Path, bool], dict[str, float]]


def measure_personal_data(quick: bool) -> dict[str, float]:
    """Personal data on the planted set, and secrets on real files of the corpus and planted ones."""
    table = texts.spread(pq.read_table(texts.texts_file(quick=True)), SECRETS_QUICK if quick else SECRETS)
    contents = [text.encode() for text in table["content"].to_pylist()]
    figures = pii.measure_pii(quick)
    print()
    return figures | pii.measure_secrets(contents, SECRETS_PAIRS_QUICK if quick else SECRETS_PAIRS)


SECTIONS: dict[str, Section] = {
    "near": lambda folder, quick: near.measure_near(folder, quick=quick),
    "quality": lambda folder, quick: quality.measure_quality(folder, quick=quick),
    "pii": lambda folder, quick: measure_personal_data(quick),
    "pipeline": lambda folder, quick: pipeline.measure_pipeline(folder, quick=quick),
    "optout": lambda folder, quick: optout.measure_optout(folder, quick=quick),
    "memory": lambda folder, quick: memory.measure_memory(folder),
}


def chosen(names: str) -> list[str]:
    """Names of sections, checked."""
    found = names.split(",")
    if unknown := set(found) - set(SECTIONS):
        raise argparse.ArgumentTypeError(f"no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="smaller parts and fewer pairs")
    parser.add_argument("--only", type=chosen, default=list(SECTIONS), help=f"some of {','.join(SECTIONS)}")
    options = parser.parse_args()
    start = time.perf_counter()
    folders = corpus.ensure(quick=options.quick)
    environment.python()
    print(f"corpus of {len(folders)} releases in {folders[0].parent}, ready after {time.perf_counter() - start:.0f} s")
    figures: dict[str, float] = {}
    for name in options.only:
        began = time.perf_counter()
        print(f"\n== {name}", flush=True)
        with tempfile.TemporaryDirectory(prefix=f"fairstack-{name}-") as folder:
            figures |= SECTIONS[name](Path(folder), options.quick)
        print(f"({time.perf_counter() - began:.0f} s)", flush=True)
    print()
    print(json.dumps(figures | {"quick": options.quick, "seconds": round(time.perf_counter() - start)}))


if __name__ == "__main__":
    main()
