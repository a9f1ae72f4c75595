"""How many acts a second the ledger takes, how soon they are in the signed tree, and how long its proofs are.

    DATABASE_URL=postgres://postgres@127.0.0.1:5432/postgres .venv/bin/python benchmarks/governance_ledger.py

A part of ``governance.py``. Fills a throw-away database with entries (1,000,000; 100,000 with ``--quick``), sequences them, then
lets eight processes append in separate transactions while a ninth does what Celery's clock does every second.
``ledger_appends_s`` counts all entries over all of that time. ``ledger_sequenced_s`` is the longest time from an entry's own
time to the time of the first checkpoint over it. Proofs of inclusion and consistency are made and checked for entries and sizes
by chance, and the longest is counted.
"""

import argparse
import hashlib
import json
import math
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.governance_database import insert, throw_away_database  # noqa: E402

CLIENTS = 8
SEED = 6962
START = datetime(2026, 1, 1, tzinfo=UTC)


def backlog(count: int) -> Iterator[tuple[object, ...]]:
    """Entries as ``core.ledger`` writes them, half of them about people."""
    import rfc8785

    for number in range(1, count + 1):
        at = START + timedelta(seconds=number)
        body = {"release": f"v{number}", "tree_root": hashlib.sha256(b"%d" % number).hexdigest()}
        content = {"body": body} if number % 2 else {"commitment": body["tree_root"]}
        data = rfc8785.dumps({"at": at.isoformat(), "kind": "act"} | content)
        yield (
            number,
            at.isoformat(),
            "act",
            json.dumps(body) if number % 2 else None,
            content.get("commitment", ""),
            hashlib.sha256(b"\x00" + data).hexdigest(),
        )


def client(end: float) -> None:
    """Append until the time is over; print how many, and from when to when (seconds of the clock on the wall)."""
    import django

    django.setup()
    from django.db import transaction

    from core import ledger

    count = 0
    ledger.LedgerEntry.objects.exists()  # connect
    print("ready", flush=True)
    sys.stdin.readline()
    begun = time.time()
    while time.time() < begun + end:
        with transaction.atomic():
            ledger.append("act", {"number": count, "tree_root": "9f" * 32})
        count += 1
    print(json.dumps([count, begun, time.time()]))


def clock() -> None:
    """What Celery's clock and a worker do."""
    import django

    django.setup()
    from core.ledger_sequencer import sequence

    print("ready", flush=True)
    while True:
        sequence(wait=False)
        time.sleep(1)


def measure(kind: str, entries: int, seconds: float) -> dict[str, object]:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from core import ledger, ledger_tree

    call_command("migrate", verbosity=0)
    start = time.perf_counter()
    columns = ("id", "at", "kind", "body", "commitment", "leaf_hash")
    insert("core_ledgerentry", columns, backlog(entries))
    print(f"{entries:,} entries written on {kind} in {time.perf_counter() - start:.0f} s")
    start = time.perf_counter()
    assert ledger.sequence() == entries
    backlog_s = time.perf_counter() - start
    print(f"placed, tiled and signed in {backlog_s:.1f} s")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:  # as autovacuum does in a ledger that grew to this size by and by
            cursor.execute("VACUUM ANALYZE")

    def started(*arguments: str) -> "subprocess.Popen[str]":
        command = [sys.executable, __file__, *arguments]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)

    ticking = started("--clock")
    clients = [started("--client", str(seconds)) for _ in range(CLIENTS)]
    for one in (ticking, *clients):
        assert one.stdout and one.stdout.readline() == "ready\n"
    for one in clients:
        assert one.stdin
        one.stdin.write("go\n")
        one.stdin.flush()
    counts, begun, ended = zip(*(json.loads(one.communicate()[0]) for one in clients), strict=True)
    written, took = sum(counts), max(ended) - min(begun)
    assert all(one.returncode == 0 for one in clients)
    while ledger_tree.size() < entries + written:
        time.sleep(0.1)
    ticking.kill()
    ticking.wait()
    waits = sorted(latencies(entries))
    assert len(waits) == written
    print(f"{written:,} entries by {CLIENTS} clients in {took:.1f} s: {written / took:,.0f} a second")
    print(f"from entry to signed tree: {waits[len(waits) // 2]:.2f} s in the median, {waits[-1]:.2f} s at the longest")
    return {
        "database": kind,
        "ledger_entries": entries,
        "ledger_appends_s": round(written / took),
        "ledger_sequenced_s": round(waits[-1], 2),
        "ledger_backlog_s": round(backlog_s, 1),
        **proofs(),
    }


def latencies(first: int) -> Iterator[float]:
    """Seconds from each entry from number ``first`` on to the first checkpoint over it."""
    from core import ledger_tree
    from core.models import LedgerCheckpoint

    heads = iter(LedgerCheckpoint.objects.filter(size__gt=first).order_by("size"))
    head = next(heads)
    for entry in ledger_tree.entries(first, 2**40).iterator(chunk_size=10_000):
        while head.size <= entry.place.number:
            head = next(heads)
        yield (head.at - entry.at).total_seconds()


def proofs() -> dict[str, object]:
    """The longest proof, its bound, and the time that making one takes. Every proof is checked."""
    from core import ledger, ledger_tree, merkle

    size = ledger_tree.size()
    root = ledger_tree.tree(size).root()
    rng = random.Random(SEED)
    places = [0, size - 1, *(rng.randrange(size) for _ in range(300))]
    longest, times = 0, []
    for number in places:
        entry = ledger_tree.entries(number, number + 1)[0]
        start = time.perf_counter()
        proof = ledger.inclusion(entry)
        times.append(time.perf_counter() - start)
        leaf = bytes.fromhex(entry.leaf_hash)
        assert merkle.check_inclusion(leaf, number, size, proof.hashes, root)
        longest = max(longest, len(proof.hashes))
    for old in (1, size - 1, *(rng.randrange(1, size) for _ in range(300))):
        hashes = ledger.consistency(old, size)
        assert merkle.check_consistency(old, size, ledger_tree.tree(old).root(), root, hashes)
        longest = max(longest, len(hashes))
    bound = 2 * math.log2(size)
    times.sort()
    print(
        f"longest proof: {longest} hashes; 2 log2({size:,}) = {bound:.1f}; made in {times[len(times) // 2] * 1000:.1f} ms"
    )
    return {
        "proof_hashes": longest,
        "proof_hashes_bound": round(bound, 1),
        "proof_p50_ms": round(times[len(times) // 2] * 1000, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="100,000 entries, 5 seconds of appending")
    parser.add_argument("--entries", type=int, help="entries that are there before the clients start")
    parser.add_argument("--client", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--clock", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.client:
        return client(options.client)
    if options.clock:
        return clock()
    entries = options.entries or (100_000 if options.quick else 1_000_000)
    folder = Path(tempfile.mkdtemp(prefix="fairstack-governance-"))
    try:
        with throw_away_database(folder) as kind:
            figures = measure(kind, entries, 5 if options.quick else 20)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(figures))
    return None


if __name__ == "__main__":
    main()
