"""Functions as machine code, where a compiler is installed (the extra ``fast``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from scheduler.planner.fast.code import CODE

F = TypeVar("F", bound=Callable[..., object])


def _imported() -> Any:
    try:
        import numba
    except ImportError:  # as plain Python, functions are right, but far too slow
        return None
    return numba


def compiled(function: F, *, inline: bool = False) -> F:
    """Compile a function that allocates nothing, when it is first called.

    Without counting of references, which would take nine tenths of the time: arrays come from
    outside and outlive every call.
    """
    if NUMBA is None:
        return function
    usual, NUMBA.config.CACHE_DIR = NUMBA.config.CACHE_DIR, str(CODE)
    try:
        how = {"cache": True, "error_model": "numpy", "_nrt": False, "forceinline": inline}
        fast: F = NUMBA.njit(**how)(function)
    finally:
        NUMBA.config.CACHE_DIR = usual
    return fast


def inlined(function: F) -> F:
    """Compile a function into each that calls it: handing over a board takes a tenth of a µs."""
    return compiled(function, inline=True)


NUMBA = _imported()
