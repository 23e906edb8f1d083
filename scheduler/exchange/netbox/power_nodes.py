"""The power graph of a site, and the one or two nodes of it that every rack hangs on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from scheduler.exchange.netbox.names import unique_names
from scheduler.exchange.netbox.objects import Objects
from scheduler.exchange.netbox.series import Stages
from scheduler.exchange.netbox.sides import Sides
from scheduler.exchange.netbox.supply import PANEL, Key, Supply
from scheduler.model import PowerNode


def power_nodes(
    supply: Supply,
    stages: Stages,
    sides: Mapping[int, Sides],
    rack_names: Mapping[int, str],
    objects: Objects,
    halls: Mapping[int, str],
) -> tuple[dict[str, PowerNode], dict[int, tuple[str, ...]]]:
    """Return the power nodes by name, and the one or two that each rack hangs on."""
    names = unique_names(
        {k: (s.name, f"{s.kind} {s.name}") for k, s in stages.stages.items()},
        taken=tuple(rack_names.values()),
    )
    nodes = {}
    for key, stage in stages.stages.items():
        location = objects.panels[key[1]].location if key[0] == PANEL else None
        nodes[names[key]] = PowerNode(
            name=names[key],
            kind=stage.kind,
            parents=tuple(names[parent] for parent in stage.parents),
            rating_w=stage.rating_w,
            hall=halls.get(location.id) if location else None,
        )
    feeds: dict[int, tuple[str, ...]] = {}
    for rack, each in sides.items():
        ends = []
        for letter, side in zip("AB", each.sides, strict=False):
            hung = tuple(dict.fromkeys(names[stages.stage_of[leaf]] for leaf in side))
            if len(hung) > 1:
                joint = _joint(f"{rack_names[rack]} {letter}", hung, side, supply, nodes)
                nodes[joint.name] = joint
                hung = (joint.name,)
            ends.append(hung[0])
        feeds[rack] = tuple(dict.fromkeys(ends))
    return nodes, feeds


def _joint(
    name: str,
    parents: tuple[str, ...],
    side: Sequence[Key],
    supply: Supply,
    nodes: Mapping[str, PowerNode],
) -> PowerNode:
    """Several ways of one side, which carry equal parts: the weakest of them limits all."""
    limits = [supply.path_w[leaf] for leaf in side]
    known = [limit for limit in limits if limit is not None]
    least_w = min(known, default=min(nodes[parent].rating_w for parent in parents))
    while name in nodes:
        name += "'"
    return PowerNode(name=name, kind="side", parents=parents, rating_w=len(parents) * least_w)


def failure_kinds(power: Mapping[str, PowerNode], sides: Iterable[Sides]) -> tuple[str, ...]:
    """Return what is survived: any panel, and any feed where one panel holds both sides of a rack.

    The loss of a panel loads the other side of its racks as much as the loss of one feed does.
    """
    kinds = {node.kind for node in power.values()}
    shared = any(each.share_panel for each in sides)
    return tuple(kind for kind in ("panel", *(["feed"] if shared else [])) if kind in kinds)
