"""Small real releases for the trainer's tests: shards of the standard library's source files."""

import hashlib
import json
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from datasets_app.pipeline.format import SHARD
from training_jobs.trainer.config import TrainConfig
from training_jobs.trainer.tokenizer import train_tokenizer

LIBRARY = Path(json.__file__).parent.parent


def blob_id(text: str) -> str:
    raw = text.encode()
    return hashlib.sha1(b"blob %d\0" % len(raw) + raw).hexdigest()


@cache
def source_texts(folder: str) -> tuple[str, ...]:
    return tuple(path.read_text(encoding="utf-8") for path in sorted((LIBRARY / folder).glob("*.py")))


def write_shard(folder: Path, texts: list[str] | tuple[str, ...]) -> Path:
    """A shard of these texts, named by its bytes as the pipeline names it."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            "blob_id": blob_id(text),
            "content": text,
            "path": f"{place}.py",
            "language": "Python",
            "size": len(text.encode()),
        }
        for place, text in enumerate(texts)
    ]
    columns = {name: [row.get(name) for row in rows] for name in SHARD.names}
    pq.write_table(pa.table(columns, schema=SHARD), folder / "new.parquet", compression="zstd", row_group_size=16)
    digest = hashlib.sha256((folder / "new.parquet").read_bytes()).hexdigest()
    return (folder / "new.parquet").rename(folder / f"{digest}.parquet")


def write_release(folder: Path) -> list[Path]:
    """Two shards of real files, about 400 kB."""
    return sorted(write_shard(folder, source_texts(name)) for name in ("json", "email"))


def write_tokenizer(shards: list[Path], out: Path) -> Path:
    return train_tokenizer(shards, out, 512, 100_000)


def tiny(**changes) -> TrainConfig:
    """A run of a second or two, on one thread."""
    return TrainConfig.preset(
        "tiny", **({"threads": 1, "max_bytes": 150_000, "tokenizer_sample_bytes": 60_000} | changes)
    )
