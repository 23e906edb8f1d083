"""A replan as tables for people."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from scheduler.cli.console import output, safe, table
from scheduler.questions.moves import moved_gpus, moved_units
from scheduler.questions.replan.record import status
from scheduler.words import limit_line, money, places, power, some

if TYPE_CHECKING:
    from rich.console import Console

    from scheduler.model import Site
    from scheduler.questions.replan import Emergency, Point, Replanned

MOST_ROWS = 20  # of actions or waves
MOST_NAMES = 3
MOST_BROKEN = 3
POINT_COLUMNS = (
    "moves at will",
    "moved",
    "stopped",
    "started",
    "above limits",
    "unmet firm GPUs",
    "margin",
)
WAVE_COLUMNS = ("wave", "moved", "GPUs", "stop", "start")


def print_replan(found: Replanned, folder: Path | None) -> None:
    """Print what to do at once, value against moves, the waves and the verdict."""
    console = output()
    _headline(console, found)
    if found.emergency is not None:
        _emergency(console, found.site, found.emergency)
    _points(console, found)
    _waves(console, found)
    _verdict(console, found)
    if folder is not None:
        console.print(
            f"Files in {safe(str(folder))}: those of a plan, replan.json, waves.json, moves.csv"
        )


def _headline(console: Console, found: Replanned) -> None:
    lost = " and ".join(found.degraded.failed)
    before, site = found.before, found.degraded.problem.site.name
    console.print(safe(f"{site}{f' after the loss of {lost}' if lost else ''}"))
    if found.degraded.dark_racks:
        count = len(found.degraded.dark_racks)
        console.print(f"{count:,} racks are dark: {found.dark_units:,} units ran there")
    if found.ended_units:
        console.print(
            f"{found.ended_units:,} units of the plan are of jobs or racks that are no more"
        )
    broken = f"{len(before.broken):,} limits are broken" if before.broken else "no limit is broken"
    console.print(
        f"as it runs: {broken}, unmet firm {before.unmet_firm_gpus:,} GPUs, "
        f"margin {money(before.margin_mills)}"
    )
    for finding in before.broken[:MOST_BROKEN]:
        console.print(f"  {safe(limit_line(finding))}", soft_wrap=False)


def _emergency(console: Console, site: Site, now: Emergency) -> None:
    if not now.overloaded_w:
        console.print("at once: nothing to do, every survivor is within its rating")
        return
    for node, watts in now.overloaded_w.items():
        within = now.within_s[node]
        time = "" if within is None else f", which it carries for {within} s"
        console.print(safe(f"at once: {node} is {power(watts)} above its rating{time}"))
    shown = table(
        "do", "job", "units", "where", "takes off", "costs", numbers=("units", "takes off", "costs")
    )
    rows = _rows(now)
    for (what, job), (units, racks, freed_w, lost_mills) in list(rows.items())[:MOST_ROWS]:
        where = places(site, racks, MOST_NAMES)
        cells = (what, safe(job), f"{units:,}", safe(where), power(freed_w), money(lost_mills))
        shown.add_row(*cells)
    console.print(shown)
    if len(rows) > MOST_ROWS:
        console.print(f"and {len(rows) - MOST_ROWS:,} more")
    words = (
        "the planned power actions suffice" if now.as_planned else "planned actions do not suffice"
    )
    if now.remaining:
        words = f"{len(now.remaining):,} limits stay broken: {limit_line(now.remaining[0])}"
    console.print(safe(f"{words}; work of {money(now.lost_mills_per_h)} is lost meanwhile"))
    for finding in now.too_late[:MOST_BROKEN]:
        console.print(f"too late: {safe(limit_line(finding))}")


def _rows(now: Emergency) -> Mapping[tuple[str, str], tuple[int, list[str], int, int]]:
    """Return what each job does, its racks together, in order."""
    rows: dict[tuple[str, str], tuple[int, list[str], int, int]] = {}
    for action in now.actions:
        units, racks, freed_w, lost_mills = rows.get((action.what, action.job), (0, [], 0, 0))
        rows[action.what, action.job] = (
            units + sum(action.units.values()),
            [*racks, *action.units],
            freed_w + int(sum(action.freed[node] for node in now.helped(action))),
            lost_mills + action.lost_mills_per_h,
        )
    return rows


def _points(console: Console, found: Replanned) -> None:
    columns = (
        "moves at will",
        "moved",
        "stopped",
        "started",
        "above limits",
        "unmet firm GPUs",
        "margin",
    )
    shown = table(*columns, numbers=columns)
    for point in found.points:
        shown.add_row(*_cells(point))
    console.print(shown)
    forced = sum(found.forced.values())
    if forced:
        console.print(f"{forced:,} units have to leave their racks so that no limit is broken")


def _cells(point: Point) -> tuple[str, ...]:
    return (
        "any" if point.budget is None else f"{point.budget:,}",
        f"{point.moved:,}",
        f"{point.stopped:,}",
        f"{point.started:,}",
        f"{point.verdict.violation:,}",
        f"{point.verdict.unmet_firm_gpus:,}",
        money(point.margin_mills),
    )


def _waves(console: Console, found: Replanned) -> None:
    if not found.waves.waves:
        console.print("nothing moves")
        return
    problem = found.chosen.problem
    shown = table(
        "wave",
        "moved",
        "GPUs",
        "stop",
        "start",
        "jobs",
        numbers=("wave", "moved", "GPUs", "stop", "start"),
    )
    for number, wave in enumerate(found.waves.waves[:MOST_ROWS], 1):
        jobs = dict.fromkeys(move.job for move in wave.moves)
        pause = f"pause {some(wave.paused, MOST_NAMES)}" if wave.paused else ""
        shown.add_row(
            f"{number}",
            f"{moved_units(wave.moves):,}",
            f"{moved_gpus(problem, wave.moves):,}",
            f"{sum(move.units for move in wave.moves if move.target is None):,}",
            f"{sum(move.units for move in wave.moves if move.source is None):,}",
            safe(pause or some(list(jobs), MOST_NAMES)),
        )
    console.print(shown)
    if len(found.waves.waves) > MOST_ROWS:
        console.print(f"and {len(found.waves.waves) - MOST_ROWS:,} more waves")


def _verdict(console: Console, found: Replanned) -> None:
    chosen, verdict = found.chosen, found.chosen.verdict
    broken = f"{len(verdict.broken):,} limits stay broken, none by more than before"
    console.print(
        f"status {status(found)}: "
        f"{'all limits hold' if verdict.checked else broken}, during and after every wave; "
        f"unmet firm {verdict.unmet_firm_gpus:,} GPUs, margin {money(chosen.margin_mills)}"
    )
