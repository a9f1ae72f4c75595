"""A digest of a table's values that depends neither on Parquet nor on how Arrow lays them out.

For each column, in order: the length of its name and the name, the kind of its values, the number of rows, which are
null, the length of each value, and the values end to end. Every part has a stated length, so two different tables never
give the same bytes. Rows have one order (owner, repository, path), so the digest of a shard's table is its logical digest.
"""

import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.types as types

_LITTLE_INT64 = np.dtype("<i8")


def table_digest(table: pa.Table) -> str:
    """SHA-256 (hex) over the values of a table of strings, binaries, integers and booleans.

    Raises:
        TypeError: A column has another type.
    """
    state = hashlib.sha256()
    for name, column in zip(table.column_names, table.columns, strict=True):
        encoded = name.encode()
        state.update(len(encoded).to_bytes(8, "little") + encoded)
        array = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
        _update(state, array)
    return state.hexdigest()


def _update(state: "hashlib._Hash", array: pa.Array) -> None:
    kind = array.type
    nulls = array.is_null().to_numpy(zero_copy_only=False).astype(np.uint8).tobytes() if array.null_count else b""
    if types.is_integer(kind) or types.is_boolean(kind):
        values = array.fill_null(0 if types.is_integer(kind) else False).to_numpy(zero_copy_only=False)
        data: bytes | memoryview = values.astype(_LITTLE_INT64).tobytes()
        lengths = b""
        label = b"i"
    elif types.is_fixed_size_binary(kind):
        if array.null_count:
            raise TypeError(f"nulls in a column of type {kind}")
        start = array.offset * kind.byte_width
        data = memoryview(array.buffers()[1])[start : start + len(array) * kind.byte_width]
        lengths = kind.byte_width.to_bytes(8, "little")
        label = b"f"
    elif types.is_string(kind) or types.is_large_string(kind):
        if array.null_count:
            array = array.fill_null("")
        wide = types.is_large_string(kind)
        offsets = np.frombuffer(array.buffers()[1], dtype=np.int64 if wide else np.int32)[
            array.offset : array.offset + len(array) + 1
        ]
        body = array.buffers()[2]
        data = memoryview(body)[int(offsets[0]) : int(offsets[-1])] if body is not None else memoryview(b"")
        lengths = np.diff(offsets).astype(_LITTLE_INT64).tobytes()
        label = b"s"
    else:
        raise TypeError(f"no digest for a column of type {kind}")
    state.update(label + len(array).to_bytes(8, "little") + len(nulls).to_bytes(8, "little") + nulls)
    state.update(lengths)
    state.update(data)
