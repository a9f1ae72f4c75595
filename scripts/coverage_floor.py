"""Fails where a file's line coverage is below the floor given in per cent: ``python scripts/coverage_floor.py 75``."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path


def main(floor: float) -> int:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "coverage.json"
        subprocess.run([sys.executable, "-m", "coverage", "json", "-q", "-o", str(report)], check=True)
        files = json.loads(report.read_text())["files"]
    low = sorted(
        (entry["summary"]["percent_covered"], name)
        for name, entry in files.items()
        if entry["summary"]["num_statements"] and entry["summary"]["percent_covered"] < floor
    )
    for percent, name in low:
        print(f"{name}: {percent:.0f}% of lines covered, below the floor of {floor:.0f}%")
    return 1 if low else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1])))
