"""How long a person waits for the standalone script to check a receipt, and how large receipts are.

    .venv/bin/python benchmarks/governance_receipts.py

A part of ``governance.py``. Receipts are made with the site's own proofs over synthetic releases: files that leave are drawn by chance
from a tree of a million rows (100,000 with ``--quick``), and one release follows without them. The script runs as people run it,
in a process of its own (``python -I``), its start and its imports included. ``verify_ms`` is the median of five runs on a receipt over
1,000 files; ``verify_large_ms`` is one over 100,000 (10,000 with ``--quick``), which share their inner nodes.
"""

import argparse
import base64
import hashlib
import json
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.governance_database import throw_away_database  # noqa: E402

SEED = 8785
RUNS = 5


class Synthetic:
    """A release of many rows: blob ids by chance, and the tree over them."""

    def __init__(self, version: str, ids: list[bytes]) -> None:
        from portal.receipts.trees import Tree

        self.version, self.ids = version, ids
        self.rows = [blob + hashlib.sha256(blob).digest() + hashlib.sha256(b"p" + blob).digest() for blob in ids]
        self.tree = Tree(b"".join(hashlib.sha256(b"\x00" + row).digest() for row in self.rows))

    def proof(self, asked: list[bytes]) -> dict[str, Any]:
        """As ``portal.receipts.proofs`` makes it."""
        from portal.receipts.trees import places

        found = places(b"".join(self.ids), b"".join(asked))
        shown = sorted({*found.present, *found.beside})
        return {
            "root": self.tree.root.hex(),
            "size": self.tree.size,
            "indices": shown,
            "leaves": base64.b64encode(b"".join(self.rows[at] for at in shown)).decode(),
            "nodes": base64.b64encode(self.tree.nodes_beside(shown)).decode(),
        }

    def body(self) -> dict[str, Any]:
        """What the ledger says of it."""
        return {
            "name": "stack", "version": self.version, "tree_root": self.tree.root.hex(), "rows": self.tree.size,
        }  # fmt: skip


def receipt(before: Synthetic, after: Synthetic, gone: list[bytes]) -> bytes:
    """A signed receipt over these files."""
    from django.utils import timezone

    from core import ledger
    from portal.receipts import document, ledger_proofs

    since = timezone.now()
    scope = {"forge": "github.com", "account": "alpha", "scope": "account", "repositories": []}
    record = {"reference": "FS-0000-0000-0000", "accepted_at": since.isoformat(), **scope}
    entry, key = ledger.append_personal("opt-out accepted", record)
    entries = [
        entry,
        ledger.append("release published", before.body()),
        ledger.append("release withdrawn", before.body()),
        ledger.append("release published", after.body()),
    ]
    shown = ledger_proofs.show(entries)
    first, consistency = ledger_proofs.growth(since, shown.size)
    files = {"own": len(gone), "ring_a": 0, "ring_b": 0}
    return document.sign(
        {
            "format": document.FORMAT,
            "site": {"name": "Bench", "url": "", "contact": ""},
            "reference": record["reference"],
            "scope": scope,
            "dates": dict.fromkeys(("received", "verified", "accepted", "removed", "signed"), since.isoformat()),
            "ledger": {
                "checkpoint": shown.checkpoint,
                "checkpoint_at_acceptance": first,
                "consistency": consistency,
                "acceptance": {**shown.of(entry), "key": key.hex(), "record": record},
                "releases": [shown.of(one) for one in entries[1:]],
            },
            "releases": {
                "before": [
                    {"name": "stack", "version": "v1.0", "tree": before.proof(gone), "files": files, "bytes": 0}
                ],
                "after": [{"name": "stack", "version": "v1.1", "tree": after.proof(gone)}],
            },
            "removed": {"blobs": len(gone)},
            "remains": {"blobs": []},
            "unproven": [],
            "cleared": [],
            "models": [],
        }
    )


def verify(path: Path, fingerprint: str) -> float:
    """Milliseconds of one run of the script."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-I", ROOT / "portal/receipts/verify_receipt.py", path, "--fingerprint", fingerprint],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return (time.perf_counter() - start) * 1000


def measure(quick: bool, folder: Path) -> dict[str, object]:
    """Make receipts, check them, and show a table."""
    import django

    django.setup()
    from django.core.management import call_command

    from core import ledger, signing

    call_command("migrate", verbosity=0)
    for number in range(2000):
        ledger.append("act", {"number": number})
    ledger.sequence()
    rows, large = (100_000, 10_000) if quick else (1_000_000, 100_000)
    rng = random.Random(SEED)
    ids = sorted({rng.randbytes(20) for _ in range(rows)})
    before = Synthetic("v1.0", ids)
    figures: dict[str, object] = {"receipt_rows": rows}
    print(f"{'files':>9}{'of rows':>11}{'receipt':>12}{'a file':>10}{'proofs s':>10}{'verify ms':>11}")
    for name, count in (("", 1000), ("_large", large)):
        gone = sorted(rng.sample(ids, count))
        left = set(gone)
        after = Synthetic("v1.1", [blob for blob in ids if blob not in left])
        start = time.perf_counter()
        file = receipt(before, after, gone)
        made = time.perf_counter() - start
        path = folder / f"receipt{name}.json"
        path.write_bytes(file)
        times = [verify(path, signing.fingerprint()) for _ in range(RUNS)]
        median = statistics.median(times)
        size = f"{len(file) / 1e6:>9.2f} MB{len(file) / count:>8,.0f} B"
        print(f"{count:>9,}{rows:>11,}{size}{made:>10.2f}{median:>11.0f}")
        figures |= {
            f"receipt{name}_files": count,
            f"receipt{name}_bytes": len(file),
            f"receipt{name}_made_s": round(made, 2),
            f"verify{name}_ms": round(median),
        }
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="100,000 rows; the large receipt has 10,000 files")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="fairstack-governance-"))
    try:
        with throw_away_database(folder):
            figures = measure(options.quick, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
