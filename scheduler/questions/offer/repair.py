"""Firm contracts that a plan places but does not meet: laid out anew, and checked."""

from __future__ import annotations

from scheduler.check import check
from scheduler.model import Plan, Problem
from scheduler.trial import Bench


def repaired(problem: Problem, plan: Plan) -> Plan:
    """Return the plan with firm contracts that lack GPUs elsewhere, as far as that helps.

    A reservation that survives the loss of a rack and lies on few racks counts for little. Each
    that lacks GPUs is taken out and tried in other places, filled densely and evenly; what
    breaks no limit and leaves fewer firm GPUs unmet is kept.
    """
    verdict = check(problem, plan)
    for name in [finding.subject for finding in verdict.findings if finding.unmet]:
        bench = Bench.build(problem, plan, name)
        for trial in bench.trials(problem.jobs[name].units):
            if trial.verdict.checked and trial.verdict.unmet_firm_gpus < verdict.unmet_firm_gpus:
                plan, verdict = trial.plan, trial.verdict
                break
    return plan
