"""A process that works on one pool: ``python -m datasets_app.shard_process <folder> <parent>``. Started by ``shard_workers`` only."""

import sys
from pathlib import Path

from core.orphans import die_with_parent


def main(folder: str, parent: str) -> int:
    """Work on the pool in ``folder`` for the process ``parent``."""
    die_with_parent(int(parent))
    from datasets_app.pipeline.pool import help_with

    help_with(Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
