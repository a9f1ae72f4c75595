"""Licences as SPDX expressions: from an expression, a name or classifiers, and whether one is permissive.

*Permissive* is a table (``data/permissive.json``: every id that the Blue Oak Council rates, as The Stack took it too) and
the meaning of the expression: ``OR`` is permissive if one choice is, since a licensee may choose; ``AND`` if all parts
are; ``WITH`` if the licence is, since an exception only adds permissions. What is not recognised is not permissive.
"""

import functools
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from license_expression import AND, OR, LicenseWithExceptionSymbol, Licensing, get_spdx_licensing

DATA = Path(__file__).parent / "data"
LONGEST_EXPRESSION = 4000  # characters
LONGEST_NAME = 120  # characters; a "License" field longer than this is a text, not a name


@dataclass(frozen=True)
class Licence:
    """An SPDX expression (None where nothing was recognised), what gave it, and whether it is permissive."""

    expression: str | None
    evidence: str | None
    permissive: bool


@functools.cache
def _licensing() -> Licensing:
    return get_spdx_licensing()


@functools.cache
def permissive_ids() -> frozenset[str]:
    """The SPDX ids that count as permissive."""
    return frozenset(json.loads((DATA / "permissive.json").read_text(encoding="utf-8"))["permissive"])


@functools.cache
def _names() -> dict[str, dict[str, str]]:
    table: dict[str, dict[str, str]] = json.loads((DATA / "licence_names.json").read_text(encoding="utf-8"))
    return table


@functools.cache
def _parse(text: str) -> Any:
    """The parsed expression, None for what is none or names an unknown licence."""
    if len(text) > LONGEST_EXPRESSION:
        return None
    try:
        return _licensing().parse(text, validate=True, strict=True)
    except Exception:  # the parser raises IndexError, AssertionError, TypeError ... on text that is no expression
        return None


def from_expression(text: str) -> str | None:
    """An SPDX expression in its canonical spelling, or None if it is none or names an unknown licence."""
    parsed = _parse(text)
    return None if parsed is None else str(parsed)


def is_permissive(expression: str | None) -> bool:
    """Whether whoever takes the code can satisfy this SPDX expression by permissive licences alone."""

    def permissive(node: object) -> bool:
        if isinstance(node, OR):
            return any(permissive(part) for part in node.args)
        if isinstance(node, AND):
            return all(permissive(part) for part in node.args)
        if isinstance(node, LicenseWithExceptionSymbol):
            return permissive(node.license_symbol)
        return getattr(node, "key", None) in permissive_ids()

    return bool(expression) and permissive(_parse(expression or ""))


def ids(expression: str) -> tuple[str, ...]:
    """The ids of licences that stand in an SPDX expression, each once, sorted; none for what is no expression.

    Of ``Apache-2.0 WITH LLVM-exception`` it is ``Apache-2.0``.
    """
    parsed = _parse(expression)
    symbols = [] if parsed is None else parsed.symbols
    plain = (one.license_symbol if isinstance(one, LicenseWithExceptionSymbol) else one for one in symbols)
    return tuple(sorted({one.key for one in plain}, key=str.lower))


def from_name(text: str) -> str | None:
    """The SPDX expression that a short free text names, such as ``"New BSD"`` or ``"Apache License, Version 2.0"``."""
    text = text.strip()
    if not text or len(text) > LONGEST_NAME:
        return None
    folded = re.sub(r"\b(version|the)\b|\bv(?=\d)|(?<=pl)v(?=\d)", " ", text.lower().replace("licence", "license"))
    words = re.findall(r"[a-z0-9]+", folded)
    return _names()["names"].get(" ".join(words)) or from_expression(text)


def from_classifiers(classifiers: Iterable[str]) -> str | None:
    """The SPDX expression that trove classifiers name; None if there are none or one of them names no variant.

    Several classifiers may mean a choice or a sum. They are read as a sum (``AND``), which can only hold code out.
    """
    table = _names()["classifiers"]
    licences = []
    for classifier in classifiers:
        kind, _, rest = classifier.partition("::")
        if kind.strip() != "License":
            continue
        name = rest.rpartition("::")[2].strip()
        if name not in table:
            if name == "OSI Approved":
                continue
            return None
        licences.append(table[name])
    return combine(licences)


def combine(expressions: Iterable[str]) -> str | None:
    """One expression that demands all of these, in a stable order; None for none."""
    return _joined(expressions, "AND", "OR")


def choice(expressions: Iterable[str]) -> str | None:
    """One expression that any of these satisfies, in a stable order; None for none."""
    return _joined(expressions, "OR", "AND")


def _joined(expressions: Iterable[str], by: str, other: str) -> str | None:
    distinct = sorted(set(expressions), key=str.lower)
    if len(distinct) < 2:
        return distinct[0] if distinct else None
    whole = f" {by} ".join(f"({part})" if f" {other} " in part else part for part in distinct)
    return from_expression(whole) or whole
