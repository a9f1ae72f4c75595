"""Columns in two parts, drawn on the server: how many of each were as they should be. The figures stand in a table beside it."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 720, 220
LEFT, TOP, BOTTOM = 40, 12, 28
GAP = 0.3  # of a column's place


@dataclass(frozen=True)
class Column:
    """One column in SVG units: where it stands, and its two parts from the bottom up."""

    label: str
    x: float
    width: float
    good_y: float
    good: float
    bad_y: float
    bad: float

    @property
    def middle(self) -> float:
        """Of its foot."""
        return self.x + self.width / 2


@dataclass(frozen=True)
class Picture:
    """What the template draws; ``ticks`` are (height in SVG units, number)."""

    columns: list[Column]
    ticks: list[tuple[float, int]]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT


def draw(rows: Sequence[tuple[str, int, int]]) -> Picture:
    """Columns of (label, how many, how many of them good)."""
    greatest = max((total for _, total, _ in rows), default=0) or 1
    room = HEIGHT - TOP - BOTTOM
    place = (WIDTH - LEFT) / max(len(rows), 1)
    columns = []
    for number, (label, total, good) in enumerate(rows):
        full, part = room * total / greatest, room * good / greatest
        columns.append(
            Column(
                label=label,
                x=round(LEFT + place * (number + GAP / 2), 1),
                width=round(min(place * (1 - GAP), 60), 1),
                good_y=round(HEIGHT - BOTTOM - part, 1),
                good=round(part, 1),
                bad_y=round(HEIGHT - BOTTOM - full, 1),
                bad=round(full - part, 1),
            )
        )
    marks = sorted({0, greatest // 2, greatest}) if greatest > 1 else [0, 1]
    return Picture(columns, [(round(HEIGHT - BOTTOM - room * mark / greatest, 1), mark) for mark in marks])
