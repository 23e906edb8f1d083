"""What the runs of one instance say about each other: gaps, who is better, and what is wrong."""

from __future__ import annotations

from collections.abc import Iterable

from benchmarks.planner.cases import OURS, Record, instance_name


def judged(records: Iterable[Record]) -> list[Record]:
    """Return the records with `best_bound_usd_per_h`, `gap` and `more_value`.

    All gaps of an instance are against the best bound that any of its runs proved, so that they
    can be compared. `more_value` says whether the planner's plan is worth more: yes, no or equal.
    """
    done = []
    for runs in by_instance(records):
        ended = [each for each in runs if "error" not in each]
        ours = next((each for each in ended if each["solver"] == OURS), None)
        done += [each if "error" in each else _judged(each, ended, ours) for each in runs]
    return done


def _judged(record: Record, runs: list[Record], ours: Record | None) -> Record:
    bounds = (each["bound_usd_per_h"] for each in runs if _bounds(each, record))
    bound = min(bounds, default=None)
    return {
        **record,
        "best_bound_usd_per_h": bound,
        "gap": gap(record["margin_usd_per_h"], bound) if record["checked"] else None,
        "more_value": _more_value(ours, record),
    }


def _bounds(one: Record, other: Record) -> bool:
    """Whether the bound of `one` holds for the plan of `other`.

    A bound is proven for plans that meet at least as many firm obligations as its own run's.
    """
    owes_no_more = other["unmet_firm_gpus"] <= one["unmet_firm_gpus"]
    return bool(one["bound_usd_per_h"] is not None and owes_no_more)


def by_instance(records: Iterable[Record]) -> list[list[Record]]:
    """Group records by size, severity and seed, in the order in which they were run."""
    groups: dict[tuple[str, int], list[Record]] = {}
    for record in records:
        groups.setdefault((instance_name(record), record["seed"]), []).append(record)
    return list(groups.values())


def gap(margin: float, bound: float | None) -> float | None:
    """Return ``(bound - margin) / |bound|``, None without a bound."""
    return None if bound is None else (bound - margin) / max(1e-3, abs(bound))


def faults(records: Iterable[Record]) -> list[str]:
    """Return a line for each run that failed, plan that breaks a limit, and wrong bound."""
    lines = []
    for runs in by_instance(records):
        for each in runs:
            if "error" in each:
                lines.append(f"{run_name(each)}: {each['error']}")
            elif not each["checked"]:
                broken = f"violation {each['violation']:,}"
                lines.append(f"{run_name(each)}: the plan is outside a limit: {broken}")
        lines += _wrong_bounds([each for each in runs if "error" not in each])
    return lines


def run_name(record: Record) -> str:
    """Return what tells a run from all others: ``M power=0.8 seed 3 best-fit``."""
    return f"{instance_name(record)} seed {record['seed']} {record['solver']}"


def _wrong_bounds(runs: list[Record]) -> list[str]:
    """Compare every bound with every checked plan that it holds for, whoever found it."""
    return [
        f"{run_name(each)}: the bound of {each['bound_usd_per_h']:,.3f} $/h is below the checked "
        f"plan of {other['solver']}, {other['margin_usd_per_h']:,.3f} $/h"
        for each in runs
        for other in runs
        if other["checked"]
        and _bounds(each, other)
        and other["margin_usd_per_h"] > each["bound_usd_per_h"]
    ]


def _more_value(ours: Record | None, other: Record) -> str | None:
    """Compare firm obligations first, then margins; a plan outside a limit is worth nothing."""
    if ours is None or other["solver"] == OURS:
        return None
    mine, theirs = _worth(ours), _worth(other)
    return "equal" if mine == theirs else "yes" if mine > theirs else "no"


def _worth(record: Record) -> tuple[bool, int, float]:
    return record["checked"], -record["unmet_firm_gpus"], record["margin_usd_per_h"]
