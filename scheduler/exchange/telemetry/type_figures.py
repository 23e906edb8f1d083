"""Observed peak and percentile of a rack type, from the racks that were full of work."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from scheduler.exchange.telemetry.rack_power import RackPower
from scheduler.model import RackType, Site
from scheduler.model.units import PERMILLE, ceil_div

FULL_PERMILLE = 900  # of its GPUs have work: the rack is full [A]
FEW = 100  # samples of full racks below which no figure is lowered [A]
MOST_SOURCE = 2000  # characters
MARK = "observed_peak, percentile"  # how the source of observed figures begins


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeFigures:
    """What was seen of a rack type."""

    type: RackType
    racks: int  # that were full at some time
    samples: int  # of full racks
    busiest_permille: int  # most GPUs of a rack that had work
    observed_peak_w: int = 0
    percentile_w: int = 0
    percentile: int = 95
    is_metered: bool = False  # every rack that was seen has a meter

    @property
    def is_used(self) -> bool:
        """Whether any rack was seen full."""
        return self.samples > 0

    @property
    def is_built_on_itself(self) -> bool:
        """Whether the estimate stands on figures that such an estimate gave: it would drift."""
        return self.is_used and not self.is_metered and self.type.source.startswith(MARK)

    def new_type(self, period: str) -> RackType:
        """Return the type with what was seen; few samples raise its figures and lower none."""
        if not self.is_used:
            return self.type
        peak_w, percentile_w = self.observed_peak_w, self.percentile_w
        if self.samples < FEW:
            peak_w = max(peak_w, self.type.observed_peak_w)
            percentile_w = max(percentile_w, self.type.percentile_w)
        words = (
            f"{MARK} {self.percentile} [{'T' if self.is_metered else 'D'}] "
            f"own site: {self.samples:,} {'metered ' if self.is_metered else ''}samples "
            f"of {self.racks:,} full racks, {period}; rest: {self.type.source}"
        )
        return replace(
            self.type,
            observed_peak_w=max(peak_w, self.type.idle_w, 1),
            percentile_w=max(percentile_w, self.type.idle_w, 1),
            source=words[:MOST_SOURCE],
        )


def type_figures(site: Site, powers: Sequence[RackPower], percentile: int) -> list[TypeFigures]:
    """Return the figures of every rack type of which racks were seen, in the order of the site.

    Of the times at which 90 % of the GPUs of a rack had work: the highest power is the observed
    peak, and ``percentile`` of the samples are at or below the percentile (nearest rank).
    """
    by_type: dict[str, list[RackPower]] = defaultdict(list)
    for power in powers:
        by_type[site.racks[power.rack].type].append(power)
    return [
        _figures(rack_type, by_type[name], percentile)
        for name, rack_type in site.rack_types.items()
        if by_type[name]
    ]


def nearest_rank(values: Sequence[int], percentile: int) -> int:
    """Return the least value that `percentile` percent of the values are at or below."""
    ordered = sorted(values)
    return ordered[max(1, ceil_div(percentile * len(ordered), 100)) - 1]


def _figures(rack_type: RackType, powers: Sequence[RackPower], percentile: int) -> TypeFigures:
    full = [
        [w for time, w in power.watts.items() if power.busy_permille.get(time, 0) >= FULL_PERMILLE]
        for power in powers
    ]
    samples = [watts for found in full for watts in found]
    busiest = max((share for p in powers for share in p.busy_permille.values()), default=0)
    return TypeFigures(
        type=rack_type,
        racks=sum(1 for found in full if found),
        samples=len(samples),
        busiest_permille=min(busiest, PERMILLE),
        observed_peak_w=max(samples, default=0),
        percentile_w=nearest_rank(samples, percentile) if samples else 0,
        percentile=percentile,
        is_metered=all(p.is_metered for p in powers),
    )
