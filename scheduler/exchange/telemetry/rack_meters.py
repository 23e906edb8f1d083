"""Meters of whole racks, such as those of their PDUs: what they say needs no estimate."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from scheduler.exchange.telemetry.gpu_power import Time
from scheduler.exchange.telemetry.series import MS, Series

MOST_RACK_W = 10_000_000


@dataclass(kw_only=True)
class RackMeters:
    """Power of racks by meter; a rack may have several, such as one on each of its feeds."""

    metric: str = ""  # none is read if it is empty
    label: str = "rack"
    step_s: int = 60
    dropped: Counter[str] = field(default_factory=Counter)
    _meters: dict[str, dict[frozenset[tuple[str, str]], dict[Time, int]]] = field(
        default_factory=lambda: defaultdict(dict)
    )

    def others(self, series: Iterable[Series]) -> Iterator[Series]:
        """Take the series of meters, and yield all others."""
        for each in series:
            if self.metric and each.metric == self.metric:
                self._take(each)
            else:
                yield each

    def watts(self) -> Mapping[str, Mapping[Time, int]]:
        """Return the sum of the meters of every rack, at the times at which all of them speak."""
        found = {}
        for rack, meters in self._meters.items():
            all_of_them = list(meters.values())
            times = set(all_of_them[0]).intersection(*all_of_them[1:])
            found[rack] = {
                time: sum(meter[time] for meter in all_of_them) for time in sorted(times)
            }
        return found

    def _take(self, series: Series) -> None:
        """Add the samples of one meter; of several in a step the highest counts."""
        rack = series.labels.get(self.label, "")
        steps = self._meters[rack].setdefault(frozenset(series.labels.items()), {})
        for at_ms, value in series.samples:
            if not (math.isfinite(value) and 0 <= value <= MOST_RACK_W):
                self.dropped["no power of a rack"] += 1
                continue
            time = at_ms // (self.step_s * MS)
            steps[time] = max(steps.get(time, 0), math.ceil(value))
