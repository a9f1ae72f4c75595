"""Near-duplicates of a release: from the sketches of its blobs to the table that its next release goes on from.

The table (``format.DUPLICATES``) holds every blob that shares a band with another one, with its sketch. When blobs go, come or
change their rank, the components that they touch are settled anew, from the table and the sketches of the new ones; all others
stay as they are. No text is read. The result is that of settling everything at once (see :mod:`duplicates`).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datasets_app.pipeline import duplicates
from datasets_app.pipeline.decide import Settle, no_duplicates
from datasets_app.pipeline.format import DUPLICATES
from datasets_app.pipeline.recipe import Recipe
from datasets_app.pipeline.sketches import SKETCHES, matrix

_SKETCHED = ["blob_id", "rank", "sketch", "bands"]


@dataclass(frozen=True)
class Similarity:
    """Settles the near-duplicates of one corpus by one recipe."""

    corpus: Path
    recipe: Recipe

    def settle(self, blobs: pl.DataFrame) -> pl.DataFrame:
        """DUPLICATES among all these blobs (``blob_id``, ``rank``)."""
        if self.recipe.near_duplicates == "off":
            return no_duplicates()
        return self._settle(self._sketched(blobs))

    def update(self, before: pl.DataFrame, gone: pl.Series, now: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
        """DUPLICATES after blobs went, came, or changed their rank: of the components concerned alone.

        Args:
            before: DUPLICATES of every component that holds a blob of ``gone`` or ``now``, or shares a band with one of them.
            gone: Blobs that take part no longer.
            now: Blobs that are new or have another rank (``blob_id``, ``rank``).
            others: Further blobs that may share a band with new ones, being alone so far (``blob_id``, ``rank``).
        """
        staying = before.filter(
            ~pl.col("blob_id").is_in(gone.implode()), ~pl.col("blob_id").is_in(now["blob_id"].implode())
        )
        fresh = self._sketched(pl.concat([now.select("blob_id", "rank"), others.select("blob_id", "rank")]))
        return self._settle(pl.concat([staying.select(_SKETCHED), fresh]))

    def settle_from(self, before: pl.DataFrame, former: pl.DataFrame) -> Settle:
        """Like :meth:`settle`, going on from an earlier release of the same recipe and rules.

        Args:
            before: The blobs that took part in it (``blob_id``, ``rank``).
            former: Its DUPLICATES.
        """

        def settle(blobs: pl.DataFrame) -> pl.DataFrame:
            known = pl.concat([before["blob_id"], former["blob_id"]]).unique()
            gone = known.filter(~known.is_in(blobs["blob_id"].implode()))
            changed = blobs.join(before, on=["blob_id", "rank"], how="anti")
            new = changed.filter(~pl.col("blob_id").is_in(before["blob_id"].implode()))
            beside = self._beside(new, blobs["blob_id"])
            touched = pl.concat([gone, changed["blob_id"], beside]).implode()
            components = former.filter(pl.col("blob_id").is_in(touched))["component"].unique().implode()
            concerned = pl.col("component").is_in(components)
            alone = beside.filter(
                ~beside.is_in(former["blob_id"].implode()) & ~beside.is_in(changed["blob_id"].implode())
            )
            others = blobs.filter(pl.col("blob_id").is_in(alone.implode()))
            settled = self.update(former.filter(concerned), gone, changed, others)
            return pl.concat([former.filter(~concerned), settled])

        return settle

    def _beside(self, new: pl.DataFrame, among: pl.Series) -> pl.Series:
        """The blobs among these that share a band with a new one; the new ones are among them."""
        sketched = self._sketched(new.select("blob_id", "rank"))
        if sketched.is_empty():
            return pl.Series([], dtype=pl.String)
        return pl.Series(candidates(self.corpus, _columns(sketched)[1], among), dtype=pl.String)

    def _settle(self, blobs: pl.DataFrame) -> pl.DataFrame:
        blobs = blobs.sort("rank", "blob_id")
        if blobs.is_empty():
            return no_duplicates()
        sketches, bands = _columns(blobs)
        found = duplicates.find(
            sketches, bands, self.recipe.near_threshold, verify=self.recipe.near_duplicates == "verified"
        )
        together = np.flatnonzero(found.component != duplicates.ALONE)
        ids = blobs["blob_id"]
        return (
            blobs[together]
            .with_columns(
                ids[found.component[together]].alias("component"),
                ids[found.representative[together]].alias("representative"),
                pl.Series("similarity", found.similarity[together]),
            )
            .select(DUPLICATES.names)
        )

    def _sketched(self, blobs: pl.DataFrame) -> pl.DataFrame:
        """Blobs beside their sketches, without those that have none."""
        wanted = pa.array(blobs["blob_id"].to_list(), pa.string())
        tables = [SKETCHES.schema.empty_table()]
        for path in SKETCHES.tables(self.corpus) if len(wanted) else []:
            hits = pc.indices_nonzero(pc.is_in(pq.read_table(path, columns=["blob_id"])["blob_id"], value_set=wanted))
            if len(hits):
                tables.append(pq.read_table(path).cast(SKETCHES.schema).take(hits))
        sketched = pl.from_arrow(pa.concat_tables(tables))
        assert isinstance(sketched, pl.DataFrame)
        # A purge that was cut off leaves a table beside its rewritten self until it is run again.
        sketched = sketched.unique("blob_id", keep="any")
        return blobs.join(sketched, on="blob_id").select(_SKETCHED)


def candidates(corpus: Path, bands: npt.NDArray[np.uint64], wanted: pl.Series) -> list[str]:
    """The blobs among ``wanted`` that share a band with one of these band keys (n x 25): read in all sketches of the corpus."""
    keys = [np.unique(bands[:, band]) for band in range(bands.shape[1])]
    among = pa.array(wanted.to_list(), pa.string())
    found: list[str] = []
    for path in SKETCHES.tables(corpus):
        table = pq.read_table(path, columns=["blob_id", "bands"])
        if not table.num_rows:
            continue
        held = matrix(table["bands"], "<u8")
        hit = np.zeros(table.num_rows, dtype=np.bool_)
        for band, values in enumerate(keys):
            hit |= np.isin(held[:, band], values)
        ids = table["blob_id"].filter(pa.array(hit))
        found += ids.filter(pc.is_in(ids, value_set=among)).to_pylist()
    return sorted(set(found))


def _columns(blobs: pl.DataFrame) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    table = blobs.select("sketch", "bands").to_arrow(compat_level=pl.CompatLevel.oldest())
    return (
        matrix(table["sketch"].cast(SKETCHES.schema.field("sketch").type), "<u8"),
        matrix(table["bands"].cast(SKETCHES.schema.field("bands").type), "<u8"),
    )
