"""Power as one of Slurm's hierarchical resources: ``resources.yaml``, MODE_3.

Fields as in Slurm's page on hierarchical resources, 25.05 to 26.05 (beta). Later versions name
layers (``layer_name``, ``parent_name``) and list nodes in the lowest ones only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from scheduler.exchange.node_names import NodeNames, labels
from scheduler.exchange.power_room import RoomGroup
from scheduler.exchange.slurm.hostlist import fold
from scheduler.inputs import dump_yaml
from scheduler.model import Problem
from scheduler.model.units import PERMILLE, ceil_div

RESOURCE = "power"


def resources_yaml(problem: Problem, room: tuple[RoomGroup, ...], names: NodeNames) -> str:
    """Return the watts that groups of racks, halls and the site may draw.

    Slurm adds up what jobs ask for per node and the base values of a layer and of all below it,
    and lets no layer pass its count. The lowest layers are racks on the same feeds: their
    counts are their room, their base is their idle power. Above, counts are sums.
    """
    return dump_yaml(
        [
            [
                {
                    "resource": RESOURCE,
                    "mode": "MODE_3",
                    "variables": [
                        {"name": name, "value": value} for name, value in variables(problem).items()
                    ],
                    "layers": list(_layers(problem, room, names)),
                }
            ]
        ]
    )


def variables(problem: Problem) -> dict[str, int]:
    """Return the peak watts above idle of a whole node, by profile and GPU type of the site.

    ``ceil(gpus_per_node * peak_permille * (basis_w - idle_w) / (1000 * gpus))``: what a job asks
    for with ``--resources=power:NAME``. Of rack types of one GPU type the largest counts.
    """
    site, found = problem.site, dict[str, int]()
    used = {job.profile: None for job in problem.jobs.values()}
    types = {rack.type: None for rack in site.racks.values()}
    called = labels(used)
    gpus = labels(site.rack_types[name].gpu_type for name in types)
    for profile in used:
        permille = problem.workload.profiles[profile].peak_permille
        for name in types:
            rack_type = site.rack_types[name]
            dynamic_w = site.basis_w(rack_type) - rack_type.idle_w
            node_w = ceil_div(
                rack_type.gpus_per_node * permille * dynamic_w, PERMILLE * rack_type.gpus
            )
            key = f"{called[profile]}_{gpus[rack_type.gpu_type]}".replace("-", "_")
            found[key] = max(node_w, found.get(key, 0))
    return found


def _layers(
    problem: Problem, room: tuple[RoomGroup, ...], names: NodeNames
) -> Iterator[dict[str, object]]:
    site = problem.site
    racks = site.racks
    for group in room:
        idle_w = sum(problem.idle_w(racks[rack]) for rack in group.racks)
        yield _layer(group.racks, names, group.room_w, {"idle": idle_w})
    halls = list(dict.fromkeys(group.hall for group in room))
    load_labels = labels(load.name for load in site.base_loads)
    total_w = sum(load.power_w for load in site.base_loads)
    for hall in halls:
        inside = [group for group in room if group.hall == hall]
        loads = {
            load_labels[load.name]: load.power_w
            for load in site.base_loads
            if load.hall == hall or len(halls) == 1
        }
        below = sum(group.room_w for group in inside)
        hall_racks = [rack for group in inside for rack in group.racks]
        yield _layer(hall_racks, names, below + sum(loads.values()), loads)
    if len(halls) > 1:
        apart = {
            load_labels[load.name]: load.power_w
            for load in site.base_loads
            if load.hall not in halls
        }
        yield _layer(racks, names, sum(group.room_w for group in room) + total_w, apart)


def _layer(
    racks: Iterable[str], names: NodeNames, count: int, base: dict[str, int]
) -> dict[str, object]:
    layer: dict[str, object] = {
        "nodes": [fold(host for rack in racks for host in names.hosts[rack])],
        "count": count,
    }
    drawn = [{"name": name, "value": value} for name, value in base.items() if value]
    return layer | ({"base": drawn} if drawn else {})
