"""The formats that a plan can be written in: a table of contents."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from scheduler.exchange.exchanged import Exported
from scheduler.model import Plan, Problem

# name -> module with `export(problem, plan) -> Exported`, and what it writes
EXPORTS: dict[str, tuple[str, str]] = {
    "csv": ("scheduler.exchange.tables", "racks, nodes, placements, tenants, power as tables"),
    "dps": ("scheduler.exchange.dps.write", "NVIDIA DPS topology"),
    "kai": ("scheduler.exchange.kubernetes.kai", "KAI Scheduler topology and queues"),
    "kueue": ("scheduler.exchange.kubernetes.kueue", "Kueue topology, flavors and queues"),
    "slurm": ("scheduler.exchange.slurm.export", "topology, nodes, power, reservations, jobs"),
    "topograph": ("scheduler.exchange.topograph.write", "NVIDIA Topograph model and graph"),
    "volcano": ("scheduler.exchange.kubernetes.volcano", "Volcano HyperNodes and queues"),
}


def exporter(name: str) -> Callable[[Problem, Plan], Exported]:
    """Return the function that writes format `name`; loads that format alone."""
    module, _ = EXPORTS[name]
    made: Callable[[Problem, Plan], Exported] = import_module(module).export
    return made
