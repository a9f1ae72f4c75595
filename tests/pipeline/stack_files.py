"""Small Parquet files in the public schemas, written as those data sets are: columns, types and order."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

STRING, INT, LIST, TIME = pa.string(), pa.int64(), pa.list_(pa.string()), pa.timestamp("us")


def _repository_block(kind: str) -> list[tuple[str, pa.DataType]]:
    return [
        (f"max_{kind}_repo_path", STRING),
        (f"max_{kind}_repo_name", STRING),
        (f"max_{kind}_repo_head_hexsha", STRING),
        (f"max_{kind}_repo_licenses", LIST),
        (f"max_{kind}_count", INT),
        (f"max_{kind}_repo_{kind}_event_min_datetime", STRING),
        (f"max_{kind}_repo_{kind}_event_max_datetime", STRING),
    ]


V1 = pa.schema(
    [
        ("hexsha", STRING),
        ("size", INT),
        ("ext", STRING),
        ("lang", STRING),
        *_repository_block("stars"),
        *_repository_block("issues"),
        *_repository_block("forks"),
        ("content", STRING),
        ("avg_line_length", pa.float64()),
        ("max_line_length", INT),
        ("alphanum_fraction", pa.float64()),
    ]
)
STARCODERDATA = pa.schema(
    [
        ("max_stars_repo_path", STRING),
        ("max_stars_repo_name", STRING),
        ("max_stars_count", INT),
        ("id", STRING),
        ("content", STRING),
    ]
)
V2 = pa.schema(
    [
        ("blob_id", STRING),
        ("directory_id", STRING),
        ("path", STRING),
        ("content_id", STRING),
        ("detected_licenses", LIST),
        ("license_type", STRING),
        ("repo_name", STRING),
        ("snapshot_id", STRING),
        ("revision_id", STRING),
        ("branch_name", STRING),
        ("visit_date", TIME),
        ("revision_date", TIME),
        ("committer_date", TIME),
        ("github_id", INT),
        ("star_events_count", INT),
        ("fork_events_count", INT),
        ("gha_license_id", STRING),
        ("gha_language", STRING),
        ("src_encoding", STRING),
        ("language", STRING),
        ("is_vendor", pa.bool_()),
        ("is_generated", pa.bool_()),
        ("length_bytes", INT),
        ("extension", STRING),
        ("content", STRING),
    ]
)


def v1_row(
    repository: str, path: str, content: str | None, licences: Sequence[str] = ("MIT",), stars: int | None = 3
) -> dict[str, Any]:
    return {
        "max_stars_repo_name": repository,
        "max_stars_repo_path": path,
        "max_stars_repo_head_hexsha": "ab" * 20,
        "max_stars_repo_licenses": list(licences),
        "max_stars_count": stars,
        "max_forks_repo_name": "someone/else",
        "content": content,
        "lang": "Python",
    }


def v2_row(
    repository: str, path: str, content: str, licences: Sequence[str] = ("MIT",), forge: str | None = None
) -> dict[str, Any]:
    return {
        "repo_name": repository,
        "path": path,
        "content": content,
        "detected_licenses": list(licences),
        "license_type": "permissive",
        "gha_license_id": forge,
        "revision_id": "cd" * 20,
        "github_id": 4711,
        "star_events_count": 9,
    }


def starcoder_row(repository: str, path: str, content: str, stars: int = 2) -> dict[str, Any]:
    return {
        "max_stars_repo_name": repository,
        "max_stars_repo_path": path,
        "max_stars_count": stars,
        "id": "7",
        "content": content,
    }


def write(path: Path, schema: pa.Schema, rows: Sequence[dict[str, Any]], row_group: int = 1000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), path, row_group_size=row_group)
    return path
