"""What a replan found, as plain data."""

from __future__ import annotations

from scheduler.check import Verdict
from scheduler.questions.moves import moved_gpus, moved_units, units_by_tenant
from scheduler.questions.replan.emergency import Emergency
from scheduler.questions.replan.emergency_actions import Action
from scheduler.questions.replan.pipeline import Replanned
from scheduler.questions.replan.point import Point
from scheduler.write import finding_record

Record = dict[str, object]


def replan_record(found: Replanned) -> Record:
    """Return the record of a replan: what ``replan.json`` and ``--json`` say."""
    chosen = found.chosen
    return {
        "status": status(found),
        "failed": list(found.degraded.failed),
        "dark_racks": list(found.degraded.dark_racks),
        "dark_units": found.dark_units,
        "ended_units": found.ended_units,
        "before": _verdict_record(found.before),
        "forced_units": dict(found.forced),
        "frontier": [point_record(point) for point in found.points],
        "after": {**_verdict_record(chosen.verdict), **point_record(chosen)},
        "moved_units_by_tenant": dict(units_by_tenant(chosen.problem, chosen.moves)),
        "waves": [
            {
                "moves": len(wave.moves),
                "moved_units": moved_units(wave.moves),
                "moved_gpus": moved_gpus(chosen.problem, wave.moves),
                "paused": list(wave.paused),
            }
            for wave in found.waves.waves
        ],
        "paused": list(found.waves.paused),
        "emergency": None if found.emergency is None else emergency_record(found.emergency),
        "phases_s": {phase: round(seconds, 3) for phase, seconds in found.phases_s.items()},
    }


def status(found: Replanned) -> str:
    """Return ``feasible``, ``infeasible`` (a limit or a promise is broken) or ``interrupted``."""
    violation, unmet, _ = found.chosen.key
    if violation or unmet:
        return "infeasible"
    return "interrupted" if found.interrupted else "feasible"


def point_record(point: Point) -> Record:
    """Return one point of value against moves; units are running units of jobs."""
    return {
        "budget": point.budget,
        "left_units": point.left,
        "moved_units": point.moved,
        "stopped_units": point.stopped,
        "started_units": point.started,
        "violation": point.verdict.violation,
        "unmet_firm_gpus": point.verdict.unmet_firm_gpus,
        "margin_usd_per_h": point.margin_mills / 1000,
        "price_of_moves_usd": point.price_mills / 1000,
    }


def emergency_record(found: Emergency) -> Record:
    """Return what has to be done right after a failure."""
    return {
        "overloaded": [
            {"node": node, "above_rating_w": watts, "within_s": found.within_s[node]}
            for node, watts in found.overloaded_w.items()
        ],
        "lost_units": found.lost_units,
        "as_planned": found.as_planned,
        "actions": [_action_record(found, action) for action in found.actions],
        "lost_usd_per_h": found.lost_mills_per_h / 1000,
        "too_late": [finding_record(finding) for finding in found.too_late],
        "remaining": [finding_record(finding) for finding in found.remaining],
    }


def _action_record(found: Emergency, action: Action) -> Record:
    helped = found.helped(action)
    return {
        "job": action.job,
        "action": action.what,
        "units": sum(action.units.values()),
        "racks": list(action.units),
        "helps": {node: int(action.freed[node]) for node in helped},
        "within_s": found.deadline_s(action),
        "lost_usd_per_h": action.lost_mills_per_h / 1000,
    }


def _verdict_record(verdict: Verdict) -> Record:
    return {
        "checked": verdict.checked,
        "broken_limits": len(verdict.broken),
        "violation": verdict.violation,
        "unmet_firm_gpus": verdict.unmet_firm_gpus,
        "margin_usd_per_h": verdict.margin_mills / 1000,
    }
