"""The second form in which texts are compared: each run of white space taken for one space.

White space is what ``str.isspace`` says: 29 code points, of which ten are ASCII (tab to carriage return, the four separators
0x1C to 0x1F, space). A run at the start or the end of a text becomes one space as well. So text that was indented anew, wrapped, or
saved with other line ends is the same in this form.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from datasets_app.pipeline.compiling import njit


@njit
def _white(data: Any, at: int) -> int:
    """How many bytes the white space at ``at`` takes; 0 where there is none. The texts are valid UTF-8."""
    first = data[at]
    if first <= 0x20:
        return 1 if first == 0x20 or 0x09 <= first <= 0x0D or 0x1C <= first <= 0x1F else 0
    if first == 0xC2 and at + 1 < len(data):
        return 2 if data[at + 1] == 0x85 or data[at + 1] == 0xA0 else 0
    if not 0xE1 <= first <= 0xE3 or at + 2 >= len(data):
        return 0
    second, third = data[at + 1], data[at + 2]
    if first == 0xE1:
        found = second == 0x9A and third == 0x80
    elif first == 0xE3:
        found = second == 0x80 and third == 0x80
    elif second == 0x80:
        found = 0x80 <= third <= 0x8A or third == 0xA8 or third == 0xA9 or third == 0xAF
    else:
        found = second == 0x81 and third == 0x9F
    return 3 if found else 0


@njit
def _collapse(data: Any, bounds: Any, out: Any, out_bounds: Any) -> int:
    at = end = 0
    row = 0
    while at < len(data):
        while row < len(bounds) and bounds[row] == at:
            out_bounds[row] = end
            row += 1
        width = 0
        first = data[at]
        if first <= 0x20 or first >= 0xC2:
            width = _white(data, at)
        if width == 0:
            out[end] = first
            at += 1
        else:
            out[end] = 0x20
            while width:
                at += width
                width = _white(data, at) if at < len(data) else 0
        end += 1
    while row < len(bounds):
        out_bounds[row] = end
        row += 1
    return end


def collapse(
    data: npt.NDArray[np.uint8], bounds: npt.NDArray[np.uint32]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint32]]:
    """Texts that stand in one array with NULs between them, in this form, and where their ``bounds`` are then."""
    out, out_bounds = np.empty(len(data), np.uint8), np.empty(len(bounds), np.uint32)
    return out[: _collapse(data, bounds, out, out_bounds)], out_bounds


def collapsed(data: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Bytes in this form; those that are no valid UTF-8 stay as they are."""
    return collapse(data, np.empty(0, np.uint32))[0]


@njit
def _origins(data: Any, starts: Any, ends: Any) -> int:
    at = count = 0
    while at < len(data):
        starts[count] = at
        width = _white(data, at)
        if width == 0:
            at += 1
        while width:
            at += width
            width = _white(data, at) if at < len(data) else 0
        ends[count] = at
        count += 1
    return count


def origins(data: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """For each byte of one text in this form, from where to where what it stands for lies in the text itself."""
    starts, ends = np.empty(len(data), np.int64), np.empty(len(data), np.int64)
    count = _origins(data, starts, ends)
    return starts[:count], ends[:count]
