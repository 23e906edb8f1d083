"""Functions as machine code, where a compiler is installed (the extra ``fast``).

Compiling takes half a minute, so it is done beforehand, by ``python -m scheduler.planner.fast``,
and the code is kept on disk: under a name that changes with any source, since a function's own
file does not tell what it calls.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar


def _imported() -> Any:
    try:
        import numba
    except ImportError:  # the planner goes on without
        return None
    return numba


numba = _imported()

F = TypeVar("F", bound=Callable[..., object])

HERE = Path(__file__).parent
PREFIX = "machine-code-"


def installed() -> bool:
    """Whether there is a compiler, and it is not switched off."""
    return numba is not None and not numba.config.DISABLE_JIT


def available() -> bool:
    """Whether machine code lies on disk; a search must not wait for half a minute."""
    return installed() and _mark().exists()


def mark_built() -> None:
    """Remember that everything is compiled, and delete what earlier sources left."""
    _mark().touch()
    for other in CODE.parent.glob(f"{PREFIX}*"):
        if other != CODE:
            shutil.rmtree(other, ignore_errors=True)


def compiled(function: F) -> F:
    """Compile a function that allocates nothing, when it is first called.

    Without counting of references, which would take nine tenths of the time: arrays come from
    outside and outlive every call.
    """
    if numba is None:
        return function
    usual, numba.config.CACHE_DIR = numba.config.CACHE_DIR, str(CODE)
    try:
        fast: F = numba.njit(cache=True, error_model="numpy", _nrt=False)(function)
    finally:
        numba.config.CACHE_DIR = usual
    return fast


def _code() -> Path:
    """Return where machine code of these very sources is kept: beside them, or in the cache."""
    digest = hashlib.sha256()
    for source in sorted(HERE.glob("*.py")):
        digest.update(source.read_bytes())
    beside = HERE / "__pycache__"
    writable = os.access(beside if beside.exists() else HERE, os.W_OK)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rackwatt"
    return (beside if writable else cache) / f"{PREFIX}{digest.hexdigest()[:16]}"


def _mark() -> Path:
    """Return a file that is there once all is compiled for this processor."""
    from llvmlite.binding import get_host_cpu_name

    return CODE / f"built-{numba.__version__}-{get_host_cpu_name()}"


CODE = _code()
