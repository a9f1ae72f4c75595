"""The indexes by which verbatim spans are found: one a shard. See ``shard_indexes``."""

from datasets_app.shard_indexes import Kind
from datasets_app.tracing.shard_index import IndexDamaged, ShardIndex, index_path

VERBATIM = Kind(
    name="verbatim",
    title="Index code for tracing",
    task="index_trace",
    path=index_path,
    open=ShardIndex.open,
    damaged=IndexDamaged,
)
