"""From measured power to a site whose figures are its own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from scheduler.exchange.exchanged import ExchangeError, Imported
from scheduler.exchange.telemetry.gpu_power import GPU_POWER, GpuPower, gpu_power
from scheduler.exchange.telemetry.hosts import rack_of_hosts, read_hosts
from scheduler.exchange.telemetry.job_power import job_powers
from scheduler.exchange.telemetry.rack_meters import RackMeters
from scheduler.exchange.telemetry.rack_power import RackPower, rack_powers
from scheduler.exchange.telemetry.remarks import notes_of, unmapped, unmetered
from scheduler.exchange.telemetry.series import MS, read_series
from scheduler.exchange.telemetry.type_figures import TypeFigures, nearest_rank, type_figures
from scheduler.inputs import InputError, read_site_file, site_document
from scheduler.inputs.mistakes import Mistakes

FORMAT = "rackwatt-observed/1"


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How measured power is read."""

    metric: str = GPU_POWER
    step_s: int = 60
    percentile: int = 95
    job_label: str = ""
    rack_metric: str = ""  # of meters of whole racks
    rack_label: str = "rack"
    hosts: Path | None = None


def import_telemetry(source: Path, site_path: Path, reading: Reading | None = None) -> Imported:
    """Return the site with observed figures, what they come from, and an overlay of rack types.

    Raises
    ------
    ExchangeError
        The files cannot be read or hold no power; with every mistake.
    """
    reading = reading or Reading()
    mistakes = Mistakes()
    try:
        site = read_site_file(site_path)
        table = read_hosts(reading.hosts, site.racks, mistakes) if reading.hosts else {}
        meters = RackMeters(
            metric=reading.rack_metric, label=reading.rack_label, step_s=reading.step_s
        )
        found = gpu_power(
            meters.others(read_series(source, mistakes)),
            metric=reading.metric,
            step_s=reading.step_s,
            job_label=reading.job_label,
        )
        mistakes.raise_if_any()
    except InputError as error:
        raise ExchangeError([*map(str, error.mistakes)]) from None
    if not any(found.milliwatts.values()):
        others = ", ".join(sorted(found.others)[:5])
        got = f"got {others}" if others else "got none"
        raise ExchangeError([f"{source}: expected samples of {reading.metric}, {got}"])
    rack_of = rack_of_hosts(dict.fromkeys(found.host_of.values()), site, table)
    metered = meters.watts()
    powers = rack_powers(site, found, rack_of, metered)
    figures = type_figures(site, powers, reading.percentile)
    drifting = [each.type.name for each in figures if each.is_built_on_itself]
    if drifting:
        expected = "a site without figures of an earlier import, which estimates cannot stand on"
        raise ExchangeError([f"--site: expected {expected}, got {', '.join(drifting)} with them"])
    period = _period(found)
    types = {each.type.name: each.new_type(period) for each in figures}
    changed = replace(site, rack_types={**site.rack_types, **types})
    jobs = job_powers(site, found, rack_of)
    observed = {
        "format": FORMAT,
        "period": period,
        "step_s": reading.step_s,
        "racks": [_rack_record(power, reading.percentile) for power in powers if power.watts],
        "jobs": [asdict(job) for job in jobs],
    }
    return Imported(
        files={
            "site.json": _json(site_document(changed)),
            "observed.json": _json(observed),
            "rack_types.yaml": _overlay(figures, period),
        },
        unmapped=(*unmapped(found, rack_of, powers, figures), *unmetered(meters, site)),
        notes=(*notes_of(found, figures),),
    )


def _period(found: GpuPower) -> str:
    if not found.is_timed:
        return "time not given"
    return " to ".join(
        f"{datetime.fromtimestamp(ms / MS, UTC):%Y-%m-%dT%H:%MZ}" for ms in found.period_ms
    )


def _rack_record(power: RackPower, percentile: int) -> dict[str, object]:
    watts = list(power.watts.values())
    return {
        "rack": power.rack,
        "samples": len(watts),
        "mean_w": -(-sum(watts) // len(watts)),
        "peak_w": max(watts),
        f"percentile_{percentile}_w": nearest_rank(watts, percentile),
        "most_gpus_seen": power.most_seen,
    }


def _overlay(figures: Sequence[TypeFigures], period: str) -> str:
    """Return what a site file says under `rack_types` to have the same figures."""
    lines = ["# Observed figures, for the `rack_types` of a site file.", "rack_types:"]
    for each in figures:
        if each.is_used:
            made = each.new_type(period)
            lines += [
                f"  {_quoted(made.name)}:",
                f"    observed_peak_kw: {_kw(made.observed_peak_w)}",
                f"    percentile_kw: {_kw(made.percentile_w)}",
                f"    source: {_quoted(made.source.partition('; rest: ')[0])}",
            ]
    return "\n".join(lines if len(lines) > 2 else [lines[0], "rack_types: {}"]) + "\n"


def _kw(watts: int) -> str:
    return f"{watts // 1000}.{watts % 1000:03d}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _json(document: object) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
