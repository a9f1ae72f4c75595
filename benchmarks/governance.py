"""The figures of governance: look-up, ledger, receipts, removal.

    .venv/bin/python benchmarks/governance.py --quick
    DATABASE_URL=postgres://postgres@127.0.0.1:5432/postgres .venv/bin/python benchmarks/governance.py --only lookup,ledger

Each part is a script of its own (``governance_<part>.py``) and runs in a process of its own with a throw-away database, on the server
that DATABASE_URL names or on SQLite. Its last line is its figures as JSON; the last line here has those of all parts.
``--quick`` takes smaller sizes and stays below five minutes on two cores; the sizes are among the figures. The bounds stand for
the full sizes on PostgreSQL.

| figure | bound | part |
|---|---|---|
| lookup_p99_ms | 5 | lookup: at the database, 10,000,000 owners with 30,000,000 repositories |
| ledger_appends_s | at least 500 | ledger: entries a second in separate transactions from 8 clients, 1,000,000 being there |
| ledger_sequenced_s | 5 | ledger: the longest time from an entry to the checkpoint over it, while these are written |
| proof_hashes | proof_hashes_bound = 2 log2(n) | ledger: the longest proof found |
| verify_ms | 1000 | receipts: the standalone verifier on one receipt |
| removal_s | 120 | removal: from accepted to published bytes without the content, demo corpus |
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PARTS = {
    "lookup": ("lookup_p99_ms",),
    "ledger": ("ledger_appends_s", "ledger_sequenced_s", "proof_hashes", "proof_hashes_bound"),
    "receipts": ("verify_ms",),
    "removal": ("removal_s",),
}


def run(part: str, options: argparse.Namespace) -> dict[str, object] | None:
    """The figures of one part, or None where it failed. Shows what it prints."""
    command = [sys.executable, str(HERE / f"governance_{part}.py")]
    command += ["--quick"] if options.quick else []
    if part == "lookup" and options.owners:
        command += ["--owners", str(options.owners)]
    if part == "ledger" and options.entries:
        command += ["--entries", str(options.entries)]
    print(f"== {part}", flush=True)
    start, last = time.perf_counter(), ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=HERE.parent) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            last = line.strip() or last
    print(f"== {part}: {time.perf_counter() - start:.0f} s\n", flush=True)
    try:
        figures = json.loads(last)
    except ValueError:
        return None
    return figures if process.returncode == 0 and isinstance(figures, dict) else None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="smaller sizes, below five minutes")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, with commas")
    parser.add_argument("--owners", type=int, help="of the look-up; three repositories each")
    parser.add_argument("--entries", type=int, help="of the ledger before the clients start")
    options = parser.parse_args()
    wanted = options.only.split(",")
    if unknown := set(wanted) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}: there are {', '.join(PARTS)}")
    figures: dict[str, object] = {name: None for names in PARTS.values() for name in names}
    failed = []
    for part in wanted:
        found = run(part, options)
        if found is None or not set(PARTS[part]) <= set(found):
            failed.append(part)
        figures |= found or {}
    figures["failed"] = failed
    print(json.dumps(figures))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
