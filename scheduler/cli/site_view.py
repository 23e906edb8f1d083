"""The figures of ``rackwatt site``: power on both bases, redundancy, weak points."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TYPE_CHECKING

from scheduler.cli.console import safe, table
from scheduler.cli.site_trees import gpus, group_alike, grouped, short, times
from scheduler.words import power

if TYPE_CHECKING:
    from rich.console import Console

    from scheduler.model import Rack, RackType, Site
    from scheduler.topology import SinglePoint, Topology

MOST_LINES = 20  # faults and single points that are listed
MOST_STATES = 40  # failure states whose deliverable power is computed
POWER_COLUMNS = ("racks", "base load", "nameplate", "observed peak", "idle")


def print_power(console: Console, site: Site) -> None:
    """Nameplate and observed power side by side, per hall and for the site."""
    shown = table("IT power", *POWER_COLUMNS, numbers=POWER_COLUMNS)
    by_hall = grouped(site.racks.values(), lambda rack: rack.hall)
    rows = {hall: _power_row(site, hall, inside) for hall, inside in by_hall.items()}
    for halls in group_alike(list(rows), lambda hall: rows[hall]):
        shown.add_row(f"hall {short(halls)}{times(halls)}", *rows[halls[0]])
    shown.add_row("site", *_power_row(site, None, list(site.racks.values())))
    console.print(shown)
    console.print(f"power basis of plans: {site.power_basis}")


def _power_row(site: Site, hall: str | None, racks: list[Rack]) -> tuple[str, ...]:
    base_w = sum(load.power_w for load in site.base_loads if hall in (None, load.hall))

    def total(watts: Callable[[RackType], int]) -> str:
        return power(base_w + sum(watts(site.type_of(rack)) for rack in racks))

    return (
        f"{len(racks):,}",
        power(base_w),
        total(lambda rack_type: rack_type.nameplate_w),
        total(lambda rack_type: rack_type.observed_peak_w),
        total(lambda rack_type: rack_type.idle_w),
    )


def print_redundancy(console: Console, topology: Topology) -> None:
    """Groups of UPS that carry each other's load."""
    groups = topology.redundancy_found()
    if not groups:
        return
    shown = table("redundancy found", "UPS", "carries", "firm", numbers=("firm",))

    def shape(index: int) -> Hashable:
        return (len(groups[index].members), groups[index].text, groups[index].firm_w)

    for alike in group_alike(range(len(groups)), shape):
        first = groups[alike[0]]
        halls = [groups[index].hall or "several halls" for index in alike]
        shown.add_row(
            short(list(dict.fromkeys(halls))) + times(alike),
            short(first.members),
            safe(first.text),
            power(first.firm_w),
        )
    console.print(shown)


def points_lines(site: Site, points: Iterable[SinglePoint]) -> Iterable[str]:
    """Components alike in kind and count of racks are one line."""
    found = list(points)

    def shape(point: SinglePoint) -> Hashable:
        return (point.kind, len(point.racks))

    for alike in group_alike(found, shape):
        racks = [site.racks[name] for name in alike[0].racks]
        yield (
            f"{alike[0].kind} {short([point.name for point in alike])}: takes out "
            f"{len(racks):,} racks, {gpus(site, racks):,} GPUs{times(alike)}"
        )


def print_lines(console: Console, title: str, lines: Sequence[str], *, every: bool) -> None:
    """List lines, cut after some of them."""
    if not lines:
        console.print(f"{title}: none")
        return
    console.print(f"{title}: {len(lines):,}")
    for line in lines if every else lines[:MOST_LINES]:
        console.print(f"  {line if title != 'faults' else safe(line)}")
    if not every and len(lines) > MOST_LINES:
        console.print(f"  and {len(lines) - MOST_LINES:,} more: --all")


def print_deliverable(console: Console, topology: Topology, *, every: bool) -> None:
    """Power that can reach the racks in the normal and in the worst state."""
    site = topology.site
    console.print(f"deliverable to racks, nothing failed: {power(topology.deliverable_w())}")
    states = site.failure_states if every else site.failure_states[:MOST_STATES]
    if states:
        delivered = {state.name: topology.deliverable_w(state) for state in states}
        worst = min(delivered, key=lambda name: delivered[name])
        looked = f"{len(states):,} of {len(site.failure_states):,} failure states"
        console.print(
            f"deliverable to racks, worst of {looked}: {power(delivered[worst])} ({safe(worst)})"
        )
