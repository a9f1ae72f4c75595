"""A funnel drawn on the server: what enters on top, what leaves at each stage, what comes out below.

The picture is cut into slices, one a stage, so that the words stand beside their slice at any width of page.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from core import formats

WIDTH, HEIGHT = 200, 20  # of a slice, in its own units; it is stretched to its place
LEAST = 1.2  # how wide the funnel is drawn at least, so that something is seen of very little


@dataclass(frozen=True)
class Stage:
    """One stage as the template draws it.

    Attributes:
        label: Why something leaves here.
        leaves, share: How much leaves, and which part of all that is.
        remains: How much goes on.
        funnel: Points of the slice: from the width before to the width after.
        lost: Points of what is lost: the rest of the width before.
    """

    label: str
    leaves: str
    share: str
    remains: str
    funnel: str
    lost: str


@dataclass(frozen=True)
class Picture:
    """A funnel: ``entry`` and ``result`` are the first and last slice, full width and what is left of it."""

    whole: str
    kept: str
    kept_share: str
    stages: list[Stage]
    entry: str
    result: str
    width: int = WIDTH
    height: int = HEIGHT


def draw(stages: Iterable[tuple[str, int]], kept: int, unit: str = "") -> Picture | None:
    """Draw a funnel; None where nothing entered it.

    Args:
        stages: (label, how much leaves), in order. Stages at which nothing leaves are passed over.
        kept: How much comes out.
        unit: ``bytes`` writes sizes, anything else plain numbers.
    """
    leaving = [(label, value) for label, value in stages if value]
    whole = kept + sum(value for _, value in leaving)
    if not whole:
        return None
    write = formats.size if unit == "bytes" else formats.number
    drawn, before = [], whole
    for label, value in leaving:
        after = before - value
        drawn.append(
            Stage(
                label=label,
                leaves=write(value),
                share=formats.share(value / whole),
                remains=write(after),
                funnel=_slice(before / whole, after / whole),
                lost=_slice(before / whole, before / whole),
            )
        )
        before = after
    return Picture(
        whole=write(whole),
        kept=write(kept),
        kept_share=formats.share(kept / whole),
        stages=drawn,
        entry=_slice(1, 1),
        result=_slice(kept / whole, kept / whole),
    )


def _slice(top: float, bottom: float) -> str:
    """A trapezium about the middle, from one share of the width to another."""
    above, below = (max(LEAST, share * WIDTH) / 2 for share in (top, bottom))
    middle = WIDTH / 2
    corners = ((middle - above, 0), (middle + above, 0), (middle + below, HEIGHT), (middle - below, HEIGHT))
    return " ".join(f"{x:.2f},{y}" for x, y in corners)
