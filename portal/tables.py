"""Tables to download: written row by row, and harmless where they are opened in a spreadsheet."""

from typing import Any

HARMLESS_TYPE = "text/csv; charset=utf-8"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


class Echo:
    """A file for ``csv.writer`` that gives each row back."""

    def write(self, row: str) -> str:
        """The row, as CSV."""
        return row


def harmless(value: Any) -> Any:
    """A value of which no spreadsheet makes a formula: a text that begins like one gets an apostrophe before it."""
    if isinstance(value, str) and value.lstrip(" \ufeff").startswith(_FORMULA):
        return f"'{value}"
    return value
