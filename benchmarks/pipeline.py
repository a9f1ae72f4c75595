"""The whole pipeline against datatrove's: quality rules, decontamination, near-duplicates, personal data, writing.

Both on two workers, from Parquet to a finished data set. Ours also looks for secrets and duplicates by bytes, hashes and checks every
blob, measures comments, encoded data and visible text, and leaves an index and a tree of digests; that is not taken off.
"""

import json
from pathlib import Path

import pyarrow.parquet as pq

from benchmarks import runners, texts
from benchmarks.peers import environment
from datasets_app.pipeline.benchmark_sets import human_eval

ROWS, ROWS_QUICK = 1000, 300  # of the peer
OURS, OURS_QUICK = 10_000, 3000
PAIRS, PAIRS_QUICK = 5, 1


def measure_pipeline(folder: Path, *, quick: bool) -> dict[str, float]:
    """Print the table of this section, and give its figures."""
    table = pq.read_table(texts.texts_file(quick=True))
    large, small = folder / "pipeline-ours.parquet", folder / "pipeline-peer.parquet"
    pq.write_table(texts.spread(table, OURS_QUICK if quick else OURS), large)
    pq.write_table(texts.spread(table, ROWS_QUICK if quick else ROWS), small)
    items = folder / "benchmark.json"
    items.write_text(json.dumps([text for _item, text in human_eval().items]))
    print(f"{'whole pipeline':<28}{'texts':>8}{'MB':>8}{'CPU-s':>9}{'MB/CPU-s':>10}{'ours':>9}{'ratio':>8}{'pairs':>7}")
    result = folder / "pipeline.npy"
    with (
        runners.Runner("pipeline_ours.py", large, result) as ours,
        runners.Runner("peers/pipeline_datatrove.py", small, result, items, python=environment.python()) as theirs,
    ):
        own, other = runners.pairs(ours, theirs, PAIRS_QUICK if quick else PAIRS)
    ratio = runners.row("datatrove", own, other)
    walls = [(one.mb / one.wall) / (two.mb / two.wall) for one, two in zip(own, other, strict=True)]
    print(f"by wall time on two cores: {runners.median(walls)}")
    return {"pipeline_vs_datatrove": ratio, "pipeline_vs_datatrove_wall": runners.median(walls)}
