"""The attribute family ``pii``: the spans of every blob of text, computed once."""

import hashlib
import re
from collections.abc import Iterable
from importlib.metadata import version
from types import ModuleType

import pyarrow as pa

from datasets_app.pipeline.families import Family
from datasets_app.pipeline.pii import (
    addresses,
    detect,
    emails,
    entropy,
    ini,
    secret_filters,
    secret_gate,
    secret_lines,
    secrets,
    spans,
)
from datasets_app.pipeline.pii.model import TokenClassifier
from datasets_app.pipeline.pii.spans import Span
from datasets_app.pipeline.texts import sparse_rows

PII = pa.schema(
    [
        ("blob_id", pa.string()),
        ("start", pa.int32()),  # bytes into the UTF-8 text
        ("end", pa.int32()),  # the byte behind the last
        ("kind", pa.string()),  # EMAIL, IP_ADDRESS, KEY, NAME, USERNAME, PASSWORD
    ]
)

CODE = 1  # count up when the code finds something else with the same patterns and limits

_DECIDES = (spans, emails, addresses, entropy, ini, secret_gate, secret_lines, secrets, secret_filters, detect)


def family(model: TokenClassifier | None = None) -> Family:
    """The family; its rules are a digest of all patterns, lists and limits, of detect-secrets' version and of the model.

    Args:
        model: Finds names, user names and passwords besides; without it none of the first two is found.
    """

    def find(content: bytes) -> Iterable[tuple[object, ...]]:
        found = detect.detect(content)
        return sorted([*found, *_beside(found, model.spans(content))]) if model else found

    rules = f"{CODE}.{_digest()}" + (f".{model.digest[:12]}" if model else "")
    return Family("pii", rules, PII, lambda group: sparse_rows(group, PII, find), dense=False)


def _beside(found: list[Span], others: list[Span]) -> list[Span]:
    """Those of the others that share no byte with what was found: a pattern knows better than a model."""
    return [one for one in others if not any(one.start < span.end and span.start < one.end for span in found)]


def _digest() -> str:
    lines = [f"detect-secrets {version('detect-secrets')}"]
    for module in _DECIDES:
        lines.extend(f"{module.__name__}.{line}" for line in _constants(module))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def _constants(module: ModuleType) -> list[str]:
    """The patterns, lists and limits of a module, one a line."""
    return sorted(
        f"{name} {_written(value)}"
        for name, value in vars(module).items()
        if not name.startswith("__")
        and isinstance(value, str | bytes | int | float | tuple | set | frozenset | dict | re.Pattern)
    )


def _written(value: object) -> str:
    if isinstance(value, re.Pattern):
        return f"{value.pattern!r} {value.flags}"
    if isinstance(value, set | frozenset):  # their own order changes with each process
        return repr(sorted(map(repr, value)))
    return repr(value)
