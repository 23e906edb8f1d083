"""What ``rackwatt release`` prints: what is given back, what it costs, what moves, in order."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scheduler.cli.console import output, safe, table
from scheduler.questions.release import does
from scheduler.words import folded, gpu_count, money, percent, places, power, quantity, some

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from scheduler.questions.moves import Wave
    from scheduler.questions.release import Release

MOST_ROWS = 20
MOST_PLACES = 4
MOST_NAMES = 12


def print_release(answer: Release, steps: tuple[Wave, ...], out: Path | None) -> None:
    """Print the answer for people."""
    console = output()
    _headline(console, answer)
    _costs(console, answer)
    _what_changes(console, answer)
    _contracts(console, answer)
    _waves(console, answer, steps)
    if out is not None:
        console.print(
            f"Files in {safe(str(out))}: release.json, moves.csv, plan.json, placements.csv, "
            "result.json, findings.json, site.json, workload.json, current.json"
        )


def _headline(console: Console, answer: Release) -> None:
    given, asked = (quantity(amount, answer.unit) for amount in (answer.given, answer.asked))
    verdict = answer.solution.verdict
    looked_at = sum(1 for finding in verdict.findings if finding.kind == "limit")
    checked = (
        f"all {looked_at:,} limits hold"
        if verdict.checked
        else f"{len(verdict.broken):,} of {looked_at:,} limits are broken"
    )
    state = "met" if answer.met else "NOT MET"
    console.print(f"give back {safe(answer.goal.words)}: {state}")
    console.print(f"given back {given}, asked for {asked}; {checked}")
    for line in answer.shortfall:
        console.print(f"- {safe(line)}")
    if answer.names:
        console.print(f"emptied: {safe(some(folded(answer.names), MOST_NAMES))}")
    if answer.idle_w and answer.goal.watts:
        console.print(
            f"racks without work still draw {power(answer.idle_w)}: switched off, they would give "
            "that back as well"
        )


def _costs(console: Console, answer: Release) -> None:
    leaving = answer.moved_gpus + answer.stopped_gpus
    if answer.given_up_mills:
        console.print(f"given up with the tenant: {money(answer.given_up_mills)}")
    console.print(f"value lost: {money(answer.value_lost_mills)}")
    console.print(
        f"moves: {gpu_count(leaving)} leave their racks, {answer.moved_gpus:,} run elsewhere, "
        f"{answer.stopped_gpus:,} stop; no plan needs fewer than {answer.fewest.least_gpus:,}"
    )
    price = answer.move_mills / 1000
    cost, least = answer.cost_mills / 1000, answer.least_cost_mills
    proven = "no useful bound on it"
    if least is not None and least > 0:
        share = (answer.cost_mills - least) / answer.cost_mills
        proven = f"no plan costs less than ${least / 1000:,.2f} ({percent(share)} less)"
    console.print(
        f"cost: ${cost:,.2f}, an hour of the value lost and ${price:,.3f} for each GPU that "
        f"leaves; {proven}"
    )
    fewest = answer.fewest
    if fewest.gpus < leaving:
        console.print(
            f"with the fewest moves found: {gpu_count(fewest.gpus)} leave and "
            f"{money(fewest.value_lost_mills)} are lost (--move-usd-per-gpu sets the rate)"
        )


def _what_changes(console: Console, answer: Release) -> None:
    if not answer.changes:
        return
    run, after = answer.running, answer.after.units
    shown = table(
        "what changes",
        "tenant",
        "GPUs",
        "move",
        "stop",
        "$/GPU-h",
        "where afterwards",
        numbers=("GPUs", "move", "stop", "$/GPU-h"),
    )
    for change in answer.changes[:MOST_ROWS]:
        job = run.jobs[change.job]
        stays: Mapping[str, int] = after.get(change.job, {})
        where = places(run.site, stays, MOST_PLACES) if stays else "ends"
        if not stays and change.job not in answer.leaving:
            where = "stops"
        shown.add_row(
            safe(change.job),
            safe(job.tenant),
            f"{answer.before.placed_units(change.job) * job.gpus_per_unit:,}",
            f"{change.moved * job.gpus_per_unit:,}",
            f"{change.stopped * job.gpus_per_unit:,}",
            f"{job.value_mills_per_gpu_h / 1000:,.2f}",
            safe(where),
        )
    rest = len(answer.changes) - MOST_ROWS
    if rest > 0:
        shown.add_row(f"{rest:,} more")
    console.print(shown)


def _contracts(console: Console, answer: Release) -> None:
    for ending in answer.endings:
        contract = ending.contract
        console.print(f"{safe(contract.name)}: {safe(ending.words)}")


def _waves(console: Console, answer: Release, steps: tuple[Wave, ...]) -> None:
    jobs = answer.running.jobs
    for number, wave in enumerate(steps, 1):
        gpus: dict[str, int] = {}
        named: dict[str, set[str]] = {}
        for move in wave.moves:
            done = does(answer, move)
            gpus[done] = gpus.get(done, 0) + move.units * jobs[move.job].gpus_per_unit
            named.setdefault(done, set()).add(move.job)
        parts = [
            f"{gpu_count(count)} {done.removesuffix('s')}: {some(sorted(named[done]), MOST_PLACES)}"
            for done, count in gpus.items()
        ]
        console.print(f"step {number}: {safe('; '.join(parts))}")
    if steps:
        console.print("in every state while a step runs and after it, all limits hold")
