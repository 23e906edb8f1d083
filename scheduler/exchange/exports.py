"""The formats that a plan can be written in: a table of contents."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from scheduler.exchange.exchanged import Exported
from scheduler.model import Plan, Problem

# name -> module with `export(problem, plan) -> Exported`, and what it writes
EXPORTS: dict[str, tuple[str, str]] = {
    "slurm": ("scheduler.exchange.slurm.export", "topology, nodes, power, reservations, jobs"),
}


def exporter(name: str) -> Callable[[Problem, Plan], Exported]:
    """Return the function that writes format `name`; loads that format alone."""
    module, _ = EXPORTS[name]
    made: Callable[[Problem, Plan], Exported] = import_module(module).export
    return made
