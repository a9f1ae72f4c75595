"""The indexes by which pasted code is found: one a shard, one more a release for the copies of its blobs. See ``shard_indexes``."""

from datasets_app.pipeline.code_copies import copies_path, index_copies
from datasets_app.pipeline.code_index import CodeIndex, IndexDamaged, index_path
from datasets_app.shard_indexes import Kind, OfRelease

CODE = Kind(
    name="code",
    title="Index code for search",
    task="index_shard",
    path=index_path,
    open=CodeIndex.open,
    damaged=IndexDamaged,
    of_release=OfRelease(copies_path, index_copies),
)
