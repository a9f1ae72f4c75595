"""Curves drawn on the server: the picture and the table that a page shows where no script runs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from core.formats import number

WIDTH, HEIGHT = 720, 260
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 10, 28
MOST_POINTS = 400  # in the picture
MOST_ROWS = 40  # in the table

T = TypeVar("T")
Points = Sequence[Sequence[float]]


@dataclass(frozen=True)
class Line:
    """One curve: its place in the key (from 1), label, SVG points and last value."""

    place: int
    label: str
    points: str
    last: str


@dataclass(frozen=True)
class Tick:
    """A mark on an axis: where (SVG units) and what it says."""

    at: float
    words: str


@dataclass(frozen=True)
class Picture:
    """Everything that the template draws. ``rows`` are ``(step, [value of each line])``, thinned to at most 40."""

    lines: list[Line]
    across: list[Tick]
    up: list[Tick]
    rows: list[tuple[str, list[str]]]
    labels: list[str]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


def draw(series: Mapping[str, Points], labels: Mapping[str, str] | None = None) -> Picture | None:
    """Draw ``{name: [[step, value], ...]}``; None where there is not one finite point."""
    finite = {
        name: [(float(x), float(y)) for x, y in points if math.isfinite(x) and math.isfinite(y)]
        for name, points in series.items()
    }
    finite = {name: points for name, points in finite.items() if points}
    if not finite:
        return None
    names = {name: (labels or {}).get(name, name.replace("_", " ").capitalize()) for name in finite}
    every = [point for points in finite.values() for point in points]
    across = _ticks(min(x for x, _ in every), max(x for x, _ in every), 6, whole=True)
    up = _ticks(min(y for _, y in every), max(y for _, y in every), 5)
    x_low, x_high, y_low, y_high = across[0], across[-1], up[0], up[-1]

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            round(LEFT + (x - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT), 1),
            round(HEIGHT - BOTTOM - (y - y_low) / (y_high - y_low) * (HEIGHT - TOP - BOTTOM), 1),
        )

    lines = [
        Line(
            index % 6 + 1,
            names[name],
            " ".join("{},{}".format(*place(x, y)) for x, y in _thin(points, MOST_POINTS)),
            number(points[-1][1]),
        )
        for index, (name, points) in enumerate(finite.items())
    ]
    return Picture(
        lines=lines,
        across=[Tick(place(x, y_low)[0], number(x)) for x in across],
        up=[Tick(place(x_low, y)[1], number(y)) for y in up],
        rows=_rows(finite),
        labels=list(names.values()),
    )


def _rows(series: Mapping[str, Sequence[tuple[float, float]]]) -> list[tuple[str, list[str]]]:
    by_name = {name: dict(points) for name, points in series.items()}
    steps = _thin(sorted({x for points in by_name.values() for x in points}), MOST_ROWS)
    return [
        (number(step), [number(points.get(step)) if step in points else "" for points in by_name.values()])
        for step in steps
    ]


def _thin(items: Sequence[T], most: int) -> list[T]:
    """At most ``most`` of ``items``, evenly, the last one always among them."""
    if len(items) <= most:
        return list(items)
    stride = (len(items) - 1) / (most - 1)
    return [items[round(index * stride)] for index in range(most)]


def _ticks(low: float, high: float, about: int, *, whole: bool = False) -> list[float]:
    """Round values that span ``low`` to ``high``: steps of 1, 2 or 5 times a power of ten."""
    # A span too small for the numbers' own precision is widened: such a curve is a level line.
    span = max(high - low, 1e-9 * max(abs(low), abs(high), 1.0))
    step = 10 ** math.floor(math.log10(span / about))
    for factor in (1, 2, 5, 10):
        if span / (step * factor) <= about:
            step *= factor
            break
    if whole:
        step = max(1, math.ceil(step))
    first, last = math.floor(low / step), math.ceil(high / step)
    if first == last:
        last += 1
    return [float(f"{index * step:.12g}") for index in range(first, last + 1)]  # 0.3, not 0.30000000000000004
