"""Files of Slurm as a site, a workload and the plan that runs now."""

from __future__ import annotations

import json
from pathlib import Path

from scheduler.exchange.bare_site import site_text
from scheduler.exchange.exchanged import Imported
from scheduler.exchange.node_names import node_names
from scheduler.exchange.slurm.cluster_state import StateRead, read_jobs, read_nodes
from scheduler.exchange.slurm.queue_made import queue_made
from scheduler.exchange.slurm.read_topology import read_topology
from scheduler.exchange.slurm.site_made import site_made
from scheduler.inputs.plan_file import PLAN_FORMAT


def load(
    topology: Path,
    sinfo: Path | None = None,
    squeue: Path | None = None,
    *,
    name: str = "slurm",
    nodes_per_rack: int | None = None,
) -> Imported:
    """Read a cluster: ``site.json``, and with a queue ``workload.json`` and ``plan.json``.

    Parameters
    ----------
    topology
        ``topology.conf``, ``topology.yaml`` or what ``scontrol show topology`` prints.
    sinfo, squeue
        What these commands print with ``--json``.

    Raises
    ------
    ExchangeError
        With every mistake of a file.
    """
    read = read_topology(topology)
    states = None if sinfo is None else read_nodes(sinfo)
    queue = StateRead() if squeue is None else read_jobs(squeue)
    busy = {node for job in queue.jobs for node in job.nodes}
    nodes = None if states is None else states.nodes
    made = site_made(read.topologies, nodes, busy=busy, name=name, nodes_per_rack=nodes_per_rack)
    unmapped = [
        *read.unmapped,
        *([] if states is None else states.unmapped),
        *queue.unmapped,
        *made.unmapped,
    ]
    files = {"site.json": site_text(made.site)}
    notes = list(made.notes)
    if squeue is not None:
        work = queue_made(queue.jobs, nodes, made.site, node_names(made.site))
        unmapped += work.unmapped
        notes += work.notes
        files["workload.json"] = _json(work.workload)
        files["plan.json"] = _json({"format": PLAN_FORMAT, "placements": work.placements})
    return Imported(files=files, unmapped=tuple(unmapped), notes=tuple(notes))


def _json(document: object) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
