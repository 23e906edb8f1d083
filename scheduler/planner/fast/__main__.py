"""Compile the fast search, once after every installation: about a minute."""

import sys

from scheduler.planner.fast import available, build
from scheduler.planner.fast.code import version

if __name__ == "__main__":
    if version() is None:
        sys.exit("fast: expected numba to be installed (extra fast), is not")
    if not available():
        print("compiling the planner's inner loop, once: about a minute", file=sys.stderr)
        build()
