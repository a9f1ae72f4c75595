"""What a person should know of the last reading of a source, kept beside the corpus: ``corpus/notes/<source>.txt``.

Notes name repositories, and so people: they stand in no log and no job, staff alone see them, and every purge forgets them all.
"""

from collections.abc import Sequence
from pathlib import Path

from datasets_app.pipeline import atomic

MOST = 1000  # notes that are kept of one reading


def _path(corpus: Path, source: str) -> Path:
    return corpus / "notes" / f"{source}.txt"


def keep(corpus: Path, source: str, notes: Sequence[str]) -> None:
    """Keep the notes of a reading in place of those of the one before."""
    lines = [" ".join(note.split()) for note in notes[:MOST]]
    if len(notes) > MOST:
        lines.append(f"and {len(notes) - MOST:,} more")
    if lines:
        atomic.write_bytes(_path(corpus, source), "\n".join(lines).encode("utf-8", errors="replace"))
    else:
        _path(corpus, source).unlink(missing_ok=True)


def read(corpus: Path, source: str) -> list[str]:
    """The notes of the last reading; none where they were forgotten."""
    try:
        return _path(corpus, source).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []


def forget(corpus: Path) -> list[Path]:
    """Delete the notes of all sources; give the paths that were deleted."""
    found = sorted((corpus / "notes").glob("*.txt"))
    for path in found:
        path.unlink(missing_ok=True)
    return found
