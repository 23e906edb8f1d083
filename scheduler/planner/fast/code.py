"""Where the machine code of the fast search lies, and whether it is there.

Compiling takes a minute, so it is done beforehand, by ``python -m scheduler.planner.fast``,
and the code is kept on disk: under a name that changes with any source, since a function's own
file does not tell what it calls. Whoever only asks does not load the compiler.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).parent
PREFIX = "machine-code-"
CPU_INFO = Path("/proc/cpuinfo")


def version() -> str | None:
    """Return the version of the compiler; None: there is none, or it is switched off."""
    if os.environ.get("NUMBA_DISABLE_JIT", "0") != "0":
        return None
    try:
        return metadata.version("numba")
    except metadata.PackageNotFoundError:
        return None


def available() -> bool:
    """Whether machine code lies on disk; a search must not wait for a minute."""
    return version() is not None and _mark().exists()


def mark_built() -> None:
    """Remember that everything is compiled, and delete what earlier sources left."""
    _mark().touch()
    for other in CODE.parent.glob(f"{PREFIX}*"):
        if other != CODE:
            shutil.rmtree(other, ignore_errors=True)


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
    """Return a file that is there once all is compiled by this compiler for this processor."""
    processor = hashlib.sha256(_processor().encode()).hexdigest()[:8]
    return CODE / f"built-{platform.python_version()}-{version()}-{processor}"


def _processor() -> str:
    try:
        lines = CPU_INFO.read_text().splitlines()
    except OSError:
        lines = []
    return next((line for line in lines if line.startswith("model name")), platform.processor())


CODE = _code()
