"""The contract of every rule: its words and its arrays say the same, on random problems.

For each term, over random problems and plans that follow no rule: what `explain` finds broken,
unmet and earned is what the forms of `compile` score, row by row. Then what must hold for the
whole: more load never frees room, taking a job away never heats or overloads anything, and names
and order mean nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from random import Random

import pytest

from kernels import reference
from kernels.forms import (
    AssignmentCost,
    Compiled,
    Form,
    GroupCount,
    GroupPresence,
    LinearLoad,
    Packing,
    Shards,
)
from kernels.score import Score, TermScore
from scheduler.check import Verdict, check
from scheduler.compile import compile_problem
from scheduler.evaluate import to_shards
from scheduler.model import Finding, Kind, Plan, Problem, slots_per_unit
from scheduler.terms import TERMS, Term
from scheduler.topology import Topology
from tests.random_problems import random_plan, random_problem

NUM_PROBLEMS = 150
PLANS_EACH = 3  # two that follow no rule, one that at least fits the slots of the racks


@dataclass(frozen=True)
class Case:
    """A problem with a plan, seen both ways."""

    name: str
    problem: Problem
    compiled: Compiled
    plan: Plan

    @cached_property
    def shards(self) -> Shards:
        """The plan as arrays."""
        return to_shards(self.compiled, self.plan)

    @cached_property
    def score(self) -> Score:
        """The score of the arrays."""
        return reference.score(self.compiled, self.shards)

    @cached_property
    def verdict(self) -> Verdict:
        """What the rules say in words."""
        return check(self.problem, self.plan)

    @cached_property
    def fits(self) -> bool:
        """Whether no rack holds more GPU slots than it has."""
        site = self.problem.site
        taken: Counter[str] = Counter()
        for job, rack, units in self.plan.shards():
            rack_type = site.type_of(site.racks[rack])
            taken[rack] += units * slots_per_unit(self.problem.jobs[job], rack_type)
        return all(n <= site.type_of(site.racks[rack]).gpus for rack, n in taken.items())

    def findings(self, term: str) -> list[Finding]:
        """Return what one rule says."""
        return [finding for finding in self.verdict.findings if finding.term == term]

    def forms(self, term: str) -> list[Form]:
        """Return the forms of one rule."""
        return [form for form in self.compiled.forms if form.term == term]


@cache
def cases() -> tuple[Case, ...]:
    """Return every problem with its plans."""
    return tuple(case for seed in range(NUM_PROBLEMS) for case in cases_of(seed))


def cases_of(seed: int) -> Iterator[Case]:
    """Yield one problem with its plans."""
    problem = random_problem(seed)
    compiled = compile_problem(problem, Topology(problem.site))
    rng = Random(seed)
    for n in range(PLANS_EACH):
        plan = random_plan(problem, rng)
        if n == PLANS_EACH - 1:
            plan = trimmed(problem, plan)
        yield Case(f"problem {seed}, plan {n}", problem, compiled, plan)


def trimmed(problem: Problem, plan: Plan) -> Plan:
    """Return the plan without the units that find no free slots on their rack."""
    site = problem.site
    free = {rack.name: site.type_of(rack).gpus for rack in site.racks.values()}
    kept: dict[str, dict[str, int]] = {}
    for job, rack, units in plan.shards():
        slots = slots_per_unit(problem.jobs[job], site.type_of(site.racks[rack]))
        count = min(units, free[rack] // slots)
        free[rack] -= count * slots
        if count:
            kept.setdefault(job, {})[rack] = count
    return Plan(kept)


def row_excesses(case: Case, term: str) -> Iterator[tuple[tuple[str, str, str], int]]:
    """Yield (subject, state, unit) and load less limit, rounded up, of every linear row."""
    for form in case.forms(term):
        if isinstance(form, LinearLoad):
            load = reference.row_load(form, case.shards)
            excess = (-((form.limit - load) // form.scale)).tolist()
            for subject, state, amount in zip(form.subject, form.state, excess, strict=True):
                yield (subject, state, form.unit), amount


def left_out(case: Case, term: str) -> list[Finding]:
    """Return findings without a row, if all that the term compiles to are rows."""
    if not all(isinstance(form, LinearLoad) for form in case.forms(term)):
        return []
    rows = {key for key, _ in row_excesses(case, term)}
    return [
        finding
        for finding in case.findings(term)
        if (finding.subject, finding.state, finding.unit) not in rows
    ]


@pytest.fixture(params=TERMS, ids=lambda term: term.name)
def term(request: pytest.FixtureRequest) -> Term:
    """Every rule in turn."""
    chosen: Term = request.param
    return chosen


def test_broken_limits_weigh_the_same_in_words_and_arrays(term: Term) -> None:
    """A row may be left out of the arrays if no plan that fits the racks' slots can break it."""
    for case in cases():
        scored = case.score.by_term.get(term.name, TermScore()).violation
        dropped = sum(finding.violation for finding in left_out(case, term.name))
        said = sum(finding.violation for finding in case.findings(term.name))
        assert said - dropped == scored, case.name
        assert dropped == 0 or not case.fits, case.name


def test_every_row_equals_the_finding_on_the_same_subject_and_state(term: Term) -> None:
    """A rule need not mention a limit that nothing comes near: rows without a finding hold."""
    for case in cases():
        said: dict[tuple[str, str, str], Counter[int]] = {}
        for finding in case.findings(term.name):
            key = finding.subject, finding.state, finding.unit
            said.setdefault(key, Counter())[finding.amount - finding.limit] += 1
        for key, excess in row_excesses(case, term.name):
            if key in said:
                assert said[key][excess] > 0, (case.name, key, excess, said[key])
            else:
                assert excess <= 0, (case.name, key, excess)


def test_obligations_are_the_unmet_firm_gpus(term: Term) -> None:
    for case in cases():
        # group counts decide which units count, whatever rule asks for them
        needed = [f for f in case.compiled.forms if f.term == term.name or type(f) is GroupCount]
        alone = replace(case.compiled, forms=tuple(needed))
        unmet = reference.score(alone, case.shards).unmet_firm_gpus
        assert sum(finding.unmet for finding in case.findings(term.name)) == unmet, case.name


def test_money_is_the_margin(term: Term) -> None:
    for case in cases():
        money = (each for each in case.findings(term.name) if each.kind is Kind.MONEY)
        scored = case.score.by_term.get(term.name, TermScore()).margin_mills
        assert sum(finding.amount for finding in money) == scored, case.name


def test_every_rule_is_at_work(term: Term) -> None:
    """The random problems are worth something: every rule applies often, and its limits bind."""
    applying = [case for case in cases() if term.applies(case.problem)]
    assert len(applying) >= len(cases()) // 10
    assert any(case.findings(term.name) for case in applying)
    limits = any(f.kind is Kind.LIMIT for case in applying for f in case.findings(term.name))
    if limits and term.name != "sla_survival":  # which only informs: it has no limit of its own
        broken = [any(f.violation for f in case.findings(term.name)) for case in applying]
        assert any(broken)
        assert not all(broken)


def test_the_whole_score_equals_the_check() -> None:
    for case in cases():
        if case.fits:
            verdict, score = case.verdict, case.score
            assert verdict.violation == score.violation, case.name
            assert verdict.unmet_firm_gpus == score.unmet_firm_gpus, case.name
            assert verdict.margin_mills == score.margin_mills, case.name


def test_jobs_have_no_units_or_as_many_as_they_ask_for() -> None:
    for case in cases():
        said = sum(finding.violation for finding in case.findings("units"))
        assert said == case.score.by_term["units"].violation, case.name


def test_more_load_never_raises_headroom() -> None:
    for case in cases():
        if not len(case.shards.job):
            continue
        more = replace(case.shards, units=case.shards.units + 1)
        for form in load_forms(case.compiled):
            before = reference.headroom(form, case.shards)
            assert (reference.headroom(form, more) <= before).all(), (case.name, form.term)


def test_removing_a_job_never_breaks_a_limit_of_power_or_cooling() -> None:
    physical = {"power_normal", "power_failover", "power_swing", "cooling_loops"}
    physical |= {"return_temperature", "air_cooling", "inlet_temperature", "gpu_temperature"}
    for case in cases():
        before = excesses(case, physical)
        for job in case.plan.units:
            kept = {name: racks for name, racks in case.plan.units.items() if name != job}
            after = excesses(replace(case, plan=Plan(kept)), physical)
            worse = {key for key, amount in after.items() if amount > before[key]}
            assert not worse, (case.name, job)


def excesses(case: Case, terms: set[str]) -> Counter[tuple[str, str, str, str]]:
    """Return the violation of every limit of the terms."""
    found: Counter[tuple[str, str, str, str]] = Counter()
    for finding in case.verdict.findings:
        if finding.term in terms:
            key = finding.term, finding.subject, finding.state, finding.unit
            found[key] += finding.violation
    return found


def load_forms(compiled: Compiled) -> Iterator[LinearLoad]:
    """Yield the linear forms in which no job brings capacity."""
    for form in compiled.forms:
        if isinstance(form, LinearLoad) and (form.demand >= 0).all():
            yield form


def test_names_and_order_of_racks_and_jobs_change_nothing() -> None:
    for case in cases()[:: PLANS_EACH * 2]:
        rng = Random(case.name)
        racks = renaming(rng, case.problem.site.racks, "rack")
        jobs = renaming(rng, case.problem.jobs, "job")
        problem = relabelled(case.problem, racks, jobs)
        plan = relabelled_plan(case.plan, racks, jobs)
        compiled = compile_problem(problem, Topology(problem.site))
        assert reference.score(compiled, to_shards(compiled, plan)) == case.score, case.name
        assert check(problem, plan).violation == case.verdict.violation, case.name


def renaming(rng: Random, names: Mapping[str, object], letter: str) -> dict[str, str]:
    """Return a new name for every name, in random order."""
    order = rng.sample(list(names), len(names))
    return {name: f"{letter}-{n:03}" for n, name in enumerate(order)}


def relabelled(problem: Problem, racks: dict[str, str], jobs: dict[str, str]) -> Problem:
    """Return the same problem with other names and another order of racks, jobs and contracts."""
    site, workload = problem.site, problem.workload

    def places(within: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(racks.get(name, name) for name in within)

    halls = {
        hall.name: replace(
            hall,
            recirculation=tuple(
                replace(entry, rack=racks[entry.rack], source=racks[entry.source])
                for entry in hall.recirculation
            ),
        )
        for hall in site.halls.values()
    }
    new_racks = {new: replace(site.racks[old], name=new) for old, new in racks.items()}
    contracts = {
        new: replace(old, name=new, within=places(old.within))
        for name, new in jobs.items()
        if (old := workload.contracts.get(name))
    }
    new_jobs = {
        new: replace(job, name=new, within=places(job.within))
        for name, new in jobs.items()
        if (job := workload.jobs.get(name))
    }
    return Problem(
        site=replace(site, racks=new_racks, halls=halls),
        workload=replace(workload, contracts=contracts, jobs=new_jobs),
        current=None if problem.current is None else relabelled_plan(problem.current, racks, jobs),
    )


def relabelled_plan(plan: Plan, racks: dict[str, str], jobs: dict[str, str]) -> Plan:
    """Return the same plan over the new names."""
    return Plan(
        {
            jobs[job]: {racks[rack]: units for rack, units in placed.items()}
            for job, placed in plan.units.items()
        }
    )


def test_a_bent_form_is_noticed(term: Term) -> None:
    """The comparison can fail: arrays that are a little wrong score otherwise than the check."""
    assert any(
        whole_score(reference.score(bent(case.compiled, term.name), case.shards))
        != whole_score(case.score)
        for case in cases()
        if case.fits
    )


def whole_score(score: Score) -> tuple[int, int, int]:
    """Return the three figures that the check must agree with."""
    return score.violation, score.unmet_firm_gpus, score.margin_mills


def bent(compiled: Compiled, term: str) -> Compiled:
    """Return the problem with each form of the term a little wrong."""
    forms = tuple(bent_form(form) if form.term == term else form for form in compiled.forms)
    return replace(compiled, forms=forms)


def bent_form(form: Form) -> Form:
    """Return the form with one number wrong everywhere."""
    match form:
        case LinearLoad():
            return replace(form, limit=form.limit - form.scale)
        case Packing():
            return replace(form, bins=form.bins - 1)
        case GroupCount():
            return replace(form, limit=form.limit - 1, survives=~form.survives)
        case GroupPresence():
            return replace(form, may_share=None, max_domains=form.max_domains - 1)
        case AssignmentCost():
            return replace(form, allowed=~form.allowed, value_mills=form.value_mills + 1)
