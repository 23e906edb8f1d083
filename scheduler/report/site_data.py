"""What stands on the site as plain data for the page: racks in columns, power nodes, loops."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from scheduler.report.facts import Facts
from scheduler.report.tight import Tightest
from scheduler.words import quantity, state_words

Data = dict[str, object]
UNKNOWN_PERMILLE = 1000  # what is left where no limit is known: everything


def racks_data(
    facts: Facts,
    tenants: Mapping[str, int],
    placed: Mapping[str, int],
    types: Mapping[str, int],
    nodes: Mapping[str, int],
    loops: Mapping[str, int],
) -> Data:
    """Return what every rack is, holds and draws: one column for each figure."""
    site, racks = facts.problem.site, facts.racks
    seats = {seat.rack: (h, seat) for h, hall in enumerate(facts.floor) for seat in hall.seats}

    def column(of: Callable[[str], object]) -> list[object]:
        return [of(name) for name in site.racks]

    return {
        "name": list(site.racks),
        "hall": column(lambda name: seats[name][0]),
        "column": column(lambda name: seats[name][1].column),
        "line": column(lambda name: seats[name][1].line),
        "type": column(lambda name: types[site.racks[name].type]),
        "array": column(lambda name: site.racks[name].array),
        "pod": column(lambda name: site.racks[name].pod),
        "feeds": column(lambda name: [nodes[n] for n in site.racks[name].feeds if n in nodes]),
        "loop": column(lambda name: loops.get(site.racks[name].loop or "", -1)),
        "held": [[[placed[h.job], h.units, h.gpus] for h in rack.held] for rack in racks],
        "tenants": [[tenants[name] for name in rack.tenants] for rack in racks],
        "gpus": [rack.gpus for rack in racks],
        "usable": [rack.usable_gpus for rack in racks],
        "peak": [rack.peak_w for rack in racks],
        "full": [rack.full_w for rack in racks],
        "left": [_left(rack.tightest) for rack in racks],
        "tight": [limit_words(rack.tightest) for rack in racks],
        "inlet": [rack.inlet_mc for rack in racks],
        "alone": [rack.alone_level for rack in racks],
        "owner": [rack.alone_tenant for rack in racks],
    }


def nodes_data(facts: Facts, nodes: Mapping[str, int]) -> list[Data]:
    """Return every power node, parents by index."""
    return [
        {
            "name": each.name,
            "kind": each.kind,
            "hall": each.hall,
            "parents": [nodes[parent] for parent in each.parents if parent in nodes],
            "consumers": each.consumers,
            "rating": each.rating_w,
            "seconds": each.seconds_w,
            "normal": each.normal_w,
            "left": _left(each.worst),
            "worst": _state_of(each.worst),
        }
        for each in facts.nodes
    ]


def states_data(facts: Facts, nodes: Mapping[str, int], racks: Mapping[str, int]) -> list[Data]:
    """Return every failure state with the nodes that it adds to."""
    found: list[Data] = []
    normal = {each.name: each.normal_w for each in facts.nodes}
    for state in facts.states:
        names = [name for name in nodes if name in state.after_w or name in state.before_w]
        found.append(
            {
                "name": state.name,
                "failed": state.failed,
                "lost": [racks[name] for name in state.lost_racks],
                "nodes": [nodes[name] for name in names],
                "after": [state.after_w.get(name, normal[name]) for name in names],
                "before": [state.before_w.get(name, normal[name]) for name in names],
            }
        )
    return found


def loops_data(facts: Facts) -> list[Data]:
    """Return every cooling loop."""
    return [
        {
            "name": each.name,
            "hall": each.hall,
            "units": each.units,
            "spare": each.spare_units,
            "racks": each.racks,
            "heat": each.heat_w,
            "carried": each.carried_w,
            "left": _left(each.worst),
            "worst": _state_of(each.worst),
            "back": _state_of(each.hottest_return),
            "supply": each.supply_mc,
            "day": each.hottest_day,
        }
        for each in facts.loops
    ]


def limit_words(tightest: Tightest | None) -> str:
    """Return ``H1-UPS2 at 2,250.1 kW of 2,500.0 kW after loss of H1-UPS1``."""
    if tightest is None:
        return ""
    amount, limit = (quantity(each, tightest.unit) for each in (tightest.amount, tightest.limit))
    return f"{tightest.subject} at {amount} of {limit}{state_words(tightest.state)}"


def _state_of(tightest: Tightest | None) -> str:
    """Return ``2,250.1 kW of 2,500.0 kW after loss of H1-UPS1``: the subject is known."""
    return limit_words(tightest).removeprefix(f"{tightest.subject} at ") if tightest else ""


def _left(tightest: Tightest | None) -> int:
    return UNKNOWN_PERMILLE if tightest is None else tightest.left_permille
