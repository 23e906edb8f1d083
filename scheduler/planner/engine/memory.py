"""How much memory a process has for itself."""

from __future__ import annotations

import os
from pathlib import Path

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def private_mib(pid: int) -> int:
    """Return the resident memory of `pid` that it shares with nobody, in MiB; 0 if unknown.

    Mapped files are left out: the context would count once for every worker.
    """
    try:
        resident, shared = Path(f"/proc/{pid}/statm").read_text().split()[1:3]
    except OSError:  # the process has ended, or this system has no /proc
        return 0
    return (int(resident) - int(shared)) * PAGE_BYTES >> 20
