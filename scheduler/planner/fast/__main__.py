"""Compile the fast search, once after every installation: about half a minute."""

import sys

from scheduler.planner.fast import build
from scheduler.planner.fast.jit import installed

if __name__ == "__main__":
    if not installed():
        sys.exit("fast: expected numba to be installed (extra fast), is not")
    build()
