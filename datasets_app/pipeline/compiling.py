"""Compiling the kernels that read text: numba, with the interpreter's lock released."""

from collections.abc import Callable
from typing import Any

import numba


def njit(function: Callable[..., Any]) -> Any:
    """Compile with the interpreter's lock released, and keep the machine code on disk where there is a place for it.

    Where neither the package's folder nor the user's cache can be written, numba refuses to cache at all: then the
    kernel is compiled in each process, which takes some seconds.
    """
    try:
        return numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:
        return numba.njit(nogil=True)(function)
