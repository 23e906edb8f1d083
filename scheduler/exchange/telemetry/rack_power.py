"""Power of every rack over time, from that of its GPUs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from scheduler.exchange.telemetry.gpu_power import Gpu, GpuPower, Time
from scheduler.model import Rack, RackType, Site
from scheduler.model.units import PERMILLE, ceil_div

SEEN_PERMILLE = 900  # of a rack's GPUs must be seen at a time [A]
BUSY_PART = 4  # a GPU that draws more than a quarter of its peak has work [A], as in traces
MILLI = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class RackPower:
    """What a rack drew at the times at which enough of its GPUs were seen."""

    rack: str
    gpus: int  # that the rack has
    most_seen: int  # at one time
    watts: Mapping[Time, int]
    busy_permille: Mapping[Time, int]  # of its GPUs; at some of the times, if it is metered
    is_metered: bool = False


def rack_powers(
    site: Site,
    found: GpuPower,
    rack_of: Mapping[str, str],
    metered: Mapping[str, Mapping[Time, int]] | None = None,
) -> list[RackPower]:
    """Return the power of every rack that was seen, in the order of the site.

    That of `metered` racks is what their meters say, at those times alone.
    """
    metered = metered or {}
    gpus: dict[str, list[Gpu]] = defaultdict(list)
    for gpu, host in found.host_of.items():
        if host in rack_of:
            gpus[rack_of[host]].append(gpu)
    return [
        _rack_power(site, rack, gpus[rack.name], found, metered.get(rack.name))
        for rack in site.racks.values()
        if gpus[rack.name] or rack.name in metered
    ]


def rack_w(rack_type: RackType, gpu_mw: int, gpus: int) -> int:
    """Return what a rack draws whose `gpus` draw `gpu_mw` together, as if all were there.

    Between idle and peak the rest of the rack follows its GPUs, as the figures of the type say:
    ``idle + (observed_peak - idle) * (P - n * gpu_idle) / (n * (gpu_peak - gpu_idle))``, with `P`
    the power of `n` GPUs, never below idle; rounded up. [D]
    """
    n = rack_type.gpus
    whole_mw = ceil_div(gpu_mw * n, gpus)
    span_w = rack_type.gpu_peak_w - rack_type.gpu_idle_w
    if span_w <= 0:
        rest_w = rack_type.observed_peak_w - n * rack_type.gpu_peak_w
        return max(rack_type.idle_w, rest_w + ceil_div(whole_mw, MILLI))
    above_mw = max(0, whole_mw - n * rack_type.gpu_idle_w * MILLI)
    range_w = rack_type.observed_peak_w - rack_type.idle_w
    return rack_type.idle_w + ceil_div(range_w * above_mw, n * span_w * MILLI)


def _rack_power(
    site: Site, rack: Rack, gpus: list[Gpu], found: GpuPower, meter: Mapping[Time, int] | None
) -> RackPower:
    rack_type = site.type_of(rack)
    expected = (rack_type.nodes - rack.down_nodes) * rack_type.gpus_per_node
    total_mw: dict[Time, int] = defaultdict(int)
    seen: dict[Time, int] = defaultdict(int)
    busy: dict[Time, int] = defaultdict(int)
    threshold_mw = rack_type.gpu_peak_w * MILLI // BUSY_PART
    for gpu in gpus:
        for time, milliwatts in found.milliwatts[gpu].items():
            total_mw[time] += milliwatts
            seen[time] += 1
            busy[time] += milliwatts > threshold_mw
    whole = [
        time
        for time in sorted(seen)
        if seen[time] * PERMILLE >= expected * SEEN_PERMILLE and expected
    ]
    return RackPower(
        rack=rack.name,
        gpus=rack_type.gpus,
        most_seen=max(seen.values(), default=0),
        watts={time: rack_w(rack_type, total_mw[time], seen[time]) for time in whole}
        if meter is None
        else meter,
        is_metered=meter is not None,
        busy_permille={time: busy[time] * PERMILLE // seen[time] for time in whole},
    )
