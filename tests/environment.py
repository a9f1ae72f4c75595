"""Environments of processes that tests start."""

import os


def unmeasured() -> dict[str, str]:
    """Ours, without coverage's variables: a process whose files may not grow cannot keep a record of its lines either."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
