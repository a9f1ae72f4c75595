"""Near-duplicates: speed against the peers, and recall and precision against the truth.

All engines get the same texts: each distinct text of the quick corpus once, those of fewer than five words left out (they have no
shingle; every engine that gives them a signature takes all of them for copies of one). Slow peers get a part of them, chosen
evenly by hash. Speeds are MB of text a CPU-second, so a peer's part and the whole can be compared; pairs are interleaved.
"""

import statistics
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import exact_jaccard, reference_minhash, runners, shingles, texts
from benchmarks.peers import environment


@dataclass(frozen=True)
class Peer:
    """A runner in ``peers/``, how many texts it gets (0: all), and how many pairs are run, in full and quick."""

    key: str
    script: str
    rows: int
    rows_quick: int
    pairs_quick: int


PEERS = (
    Peer("near_vs_rensa", "peers/rensa_peer.py", 0, 3000, 5),
    Peer("near_vs_rensa_flat", "peers/rensa_flat_peer.py", 0, 0, 5),
    Peer("near_vs_datasketch", "peers/datasketch_peer.py", 4000, 1000, 3),
    Peer("near_vs_datatrove", "peers/datatrove_peer.py", 1000, 300, 1),
    Peer("near_vs_text_dedup", "peers/text_dedup_peer.py", 2000, 500, 2),
)
PAIRS = 5
DRAWS = (
    5  # of the classic engine's hash functions: one draw alone is off by up to .004, more than what is to be told apart
)


def near_texts() -> pa.Table:
    """The texts with at least one shingle, of the quick corpus."""
    table = pq.read_table(texts.texts_file(quick=True)).combine_chunks()
    places, _hashes = shingles.sets(pa.concat_arrays(table["content"].chunks))
    return table.filter(pa.array(np.diff(places) > 0))


def measure_near(folder: Path, *, quick: bool) -> dict[str, float]:
    """Print the table of this section, and give its figures."""
    python = environment.python()
    table = near_texts()
    whole = folder / "near.parquet"
    pq.write_table(table, whole)
    print(
        f"{'near-duplicates':<28}{'texts':>8}{'MB':>8}{'CPU-s':>9}{'MB/CPU-s':>10}{'ours':>9}{'ratio':>8}{'pairs':>7}"
    )
    figures: dict[str, float] = {}
    with runners.Runner("near_ours.py", whole, folder / "ours.npy") as ours:
        for peer in PEERS:
            rows = peer.rows_quick if quick else peer.rows
            part = whole
            if rows:
                part = folder / f"near-{rows}.parquet"
                pq.write_table(texts.spread(table, rows), part)
            with runners.Runner(peer.script, part, folder / f"{peer.key}.npy", python=python) as theirs:
                found = runners.pairs(ours, theirs, peer.pairs_quick if quick else PAIRS)
            figures[peer.key] = runners.row(peer.script[6:-8], *found)
        with runners.Runner("near_classic.py", whole, folder / "classic.npy") as classic:
            runners.row("classic, in numba", *runners.pairs(ours, classic, 1 if quick else PAIRS))
    return figures | _quality(table, np.load(folder / "ours.npy"), np.load(folder / "classic.npy"))


def _quality(table: pa.Table, ours: np.ndarray, classic: np.ndarray) -> dict[str, float]:
    content = pa.concat_arrays(table["content"].chunks)
    truth = exact_jaccard.pairs(content)
    print(f"\n{len(truth):,} pairs of texts have an exact Jaccard similarity of {exact_jaccard.THRESHOLD} or more")
    print(f"{'':<28}{'removed':>8}{'pair recall':>13}{'in a cluster':>14}{'precision':>11}")
    found = Quality.of(truth, ours)
    found.show("ours")
    draws = [Quality.of(truth, classic)]
    for seed in range(1, DRAWS):
        draws.append(Quality.of(truth, reference_minhash.clusters(reference_minhash.signatures(content, seed))))
    for number, draw in enumerate(draws):
        draw.show(f"classic, draw {number + 1}")
    recall = statistics.mean(draw.recall for draw in draws)
    return {
        "near_recall_loss": round(recall - found.recall, 4),
        "near_precision": round(found.precision, 4),
        "near_recall": round(found.recall, 4),
        "near_recall_classic": round(recall, 4),
        "near_precision_classic": round(statistics.mean(draw.precision for draw in draws), 4),
        "near_pairs": len(truth),
    }


@dataclass(frozen=True)
class Quality:
    """How good a choice is.

    Attributes:
        removed: Texts that another one stands for.
        recall: Share of the true pairs of which not both stay.
        together: Share of the true pairs that have the same representative: a cluster.
        precision: Share of the removed texts that are a true pair with a text that stays.
    """

    removed: int
    recall: float
    together: float
    precision: float

    def show(self, name: str) -> None:
        """Print its line of the table."""
        print(f"{name:<28}{self.removed:>8,}{self.recall:>13.4f}{self.together:>14.4f}{self.precision:>11.4f}")

    @classmethod
    def of(cls, truth: np.ndarray, chosen: np.ndarray) -> "Quality":
        """Of the true pairs, and the number of the text that stands for each text."""
        stays = chosen == np.arange(len(chosen))
        left, right = truth[:, 0], truth[:, 1]
        rightly = np.zeros(len(chosen), dtype=np.bool_)
        rightly[left[stays[right]]] = True
        rightly[right[stays[left]]] = True
        removed = ~stays
        return cls(
            removed=int(removed.sum()),
            recall=float(1 - (stays[left] & stays[right]).mean()) if len(truth) else 1.0,
            together=float((chosen[left] == chosen[right]).mean()) if len(truth) else 1.0,
            precision=float(rightly[removed].mean()) if removed.any() else 1.0,
        )
