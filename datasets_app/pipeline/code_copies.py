"""Files whose content a release holds under another origin: an index of them by blob, beside those of the shards.

Which files these are depends on the release and not on its shards alone, so there is one such index a release, made of its decisions.
"""

from pathlib import Path

import numpy as np
import polars as pl

from datasets_app.pipeline import atomic, state
from datasets_app.pipeline.code_index import facts_array, sorted_heads, write
from datasets_app.pipeline.decide import BLOCKED
from datasets_app.pipeline.reasons import KEPT

FACTS = ["path", "forge", "owner", "repository", "repository_key", "owner_key", "language", "licence", "size"]


def copies_path(folder: Path, name: str, version: str) -> Path:
    """Where the index of a release's copies lies."""
    return folder / "copies" / f"{name}@{version}.index"


def index_copies(release: Path, path: Path) -> int:
    """Make the index of the copies of the release whose manifest lies in ``release``. Gives how many files are in it.

    A release that keeps no decisions any more has an empty one.
    """
    parts = state.decisions(release).paths()
    rows = pl.DataFrame(schema=dict.fromkeys(["blob_id", *FACTS], pl.String))
    if parts:
        held = pl.col("held") & (pl.col("reason") != KEPT) & ~pl.col("reason").is_in(BLOCKED)
        rows = pl.scan_parquet(parts).filter(held).select("blob_id", *FACTS).collect()
        rows = rows.sort("blob_id", "repository_key", "path")
    ids = np.frombuffer(bytes.fromhex("".join(rows["blob_id"])), np.uint8).reshape(-1, 20)
    facts = rows.select(FACTS).to_arrow(compat_level=pl.CompatLevel.oldest())
    with atomic.replacing(path) as temporary:
        write(temporary, {"blob_ids": ids, **sorted_heads("blob", ids), "facts": facts_array(facts)})
    return len(rows)
