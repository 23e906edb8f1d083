"""What is told of a reading: what was left out of it, and what was made of the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from scheduler.exchange.telemetry.gpu_power import GpuPower
from scheduler.exchange.telemetry.rack_meters import RackMeters
from scheduler.exchange.telemetry.rack_power import RackPower
from scheduler.exchange.telemetry.type_figures import FEW, TypeFigures
from scheduler.model import Site


def unmapped(
    found: GpuPower,
    rack_of: Mapping[str, str],
    powers: Sequence[RackPower],
    figures: Sequence[TypeFigures],
) -> list[str]:
    """Return hosts, samples, series, racks and types that gave no figure."""
    lost = Counter(host for host in found.host_of.values() if host not in rack_of)
    lines = [
        f"host {host or '(no name)'}: in no rack of the site ({count} GPUs); --hosts says where"
        for host, count in sorted(lost.items())
    ]
    lines += [f"{count:,} samples: {why}" for why, count in sorted(found.dropped.items())]
    lines += [f"{n:,} series of {name}: not read" for name, n in sorted(found.others.items())]
    lines += [
        f"rack {power.rack}: at most {power.most_seen} of {power.gpus} GPUs seen at a time"
        for power in powers
        if not power.watts
    ]
    lines += [
        f"rack {power.rack}: metered, but too few of its GPUs are seen to tell whether it was full"
        for power in powers
        if power.watts and not power.busy_permille
    ]
    lines += [
        f"rack type {each.type.name}: no rack was seen full (at most "
        f"{each.busiest_permille / 10:g} % of its GPUs had work): its figures stay"
        for each in figures
        if not each.is_used
    ]
    return lines


def unmetered(meters: RackMeters, site: Site) -> list[str]:
    """Return meters and their samples that belong to no rack."""
    lines = [
        f"meter with {meters.label} {rack or '(nothing)'}: no such rack in the site"
        for rack in sorted(meters.watts().keys() - site.racks.keys())
    ]
    return [*lines, *(f"{n:,} samples of meters: {why}" for why, n in meters.dropped.items())]


def notes_of(found: GpuPower, figures: Sequence[TypeFigures]) -> list[str]:
    """Return what became of every rack type, and how."""
    notes = [
        f"{each.type.name}: observed peak {each.observed_peak_w:,} W (was "
        f"{each.type.observed_peak_w:,}), percentile {each.percentile} {each.percentile_w:,} W "
        f"(was {each.type.percentile_w:,}), {each.samples:,} samples of {each.racks:,} full racks"
        for each in figures
        if each.is_used
    ]
    notes += [
        f"{each.type.name}: fewer than {FEW} samples of full racks lower no figure"
        for each in figures
        if each.is_used and each.samples < FEW
    ]
    notes += [
        f"{each.type.name}: the observed peak is above the nameplate of {each.type.nameplate_w:,} W"
        for each in figures
        if each.observed_peak_w > each.type.nameplate_w
    ]
    if found.repeats:
        notes.append(f"{found.repeats:,} samples of GPUs that were there already: counted once")
    if any(len(jobs) > 1 for steps in found.jobs.values() for jobs in steps.values()):
        notes.append("jobs on one GPU at the same time share its power equally [A]")
    notes.append(
        f"steps of {found.step_s} s, the highest sample of each; what is no GPU follows the GPUs "
        "as in the rack type [D]"
    )
    return notes
