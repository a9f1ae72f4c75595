"""The attribute family ``pii``: the spans of every blob of text, computed once."""

import hashlib
from collections.abc import Callable, Iterable
from importlib.metadata import version

import pyarrow as pa

from datasets_app.pipeline.families import Family
from datasets_app.pipeline.pii import addresses, detect, emails, redact, secret_filters, secrets
from datasets_app.pipeline.pii.spans import Span

PII = pa.schema(
    [
        ("blob_id", pa.string()),
        ("start", pa.int32()),  # bytes into the UTF-8 text
        ("end", pa.int32()),  # the byte behind the last
        ("kind", pa.string()),  # EMAIL, IP_ADDRESS, KEY, NAME, USERNAME, PASSWORD
    ]
)
RULES = 1  # count up with each change of what is found
