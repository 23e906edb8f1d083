"""Ruin and recreate as machine code: 65 to 90 times as many steps as `Ruin` takes.

Whoever only asks whether it is there does not load the compiler: that is left to the workers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kernels.forms import Compiled, Packing, Shards
from scheduler.planner.fast.code import available, mark_built

if TYPE_CHECKING:
    from scheduler.planner.fast.run import FastRuin
    from scheduler.planner.placing import Placer

PERIOD = 500  # steps between two kicks, where there are any

__all__ = ["PERIOD", "available", "build", "can_plan", "load", "ruin"]


def can_plan(compiled: Compiled) -> bool:
    """Whether the fast search is there and knows all forms: of bins it knows one."""
    packings = sum(isinstance(form, Packing) for form in compiled.forms)
    return packings == 1 and available()


def ruin(placer: Placer, shards: Shards, seed: int) -> FastRuin:
    """Return a search that begins with a plan that breaks nothing."""
    from scheduler.planner.fast.run import FastRuin

    return FastRuin(placer, shards, seed)


def build() -> None:
    """Compile all that a search needs, and keep it on disk."""
    from scheduler.planner.fast.run import run_example

    run_example()
    mark_built()


def load() -> None:
    """Load what is compiled, if anything is: it takes a moment."""
    if available():
        from scheduler.planner.fast.run import run_example

        run_example()
