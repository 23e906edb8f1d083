"""The planner's benchmark: instances, baselines, records, and that a wrong result is noticed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import benchmarks.__main__ as harness
from benchmarks.baselines import BASELINES, Task
from benchmarks.baselines.layout import Layout
from benchmarks.baselines.part import cut
from benchmarks.instances import Axes, instance
from benchmarks.planner import command, measure, picture, tables, targets, verdicts
from benchmarks.planner.alone import run_alone, session_mib
from benchmarks.planner.cases import DEFAULT_AXES, Record
from kernels.cpu import NumpyBackend
from kernels.forms import Compiled, LinearLoad, Shards
from scheduler.check import Verdict, check
from scheduler.compile import compile_problem
from scheduler.evaluate import to_plan
from scheduler.model import Plan, Problem
from scheduler.planner import Price
from scheduler.topology import Topology
from tests.random_problems import random_problem

GREEDY = ("first-fit", "best-fit", "dot-product")
KEYS = {
    *("size", "seed", "axes", "solver", "time_limit_s", "workers", "status", "violation"),
    *("unmet_firm_gpus", "margin_usd_per_h", "bound_usd_per_h", "bound_by", "gap", "curve"),
    *("best_bound_usd_per_h", "more_value", "placed_gpus", "requested_gpus", "wall_s", "phases_s"),
    *("peak_rss_mib", "checked", "scarce", "note", "machine", "versions"),
}


# ---- instances


def test_the_same_seed_makes_the_same_instance() -> None:
    assert instance("S", 3) == instance("S", 3)
    assert instance("S", 3) != instance("S", 4)


def test_more_load_asks_for_more_gpus() -> None:
    assert asked_gpus(Axes(load=1.4)) > asked_gpus(Axes()) > asked_gpus(Axes(load=0.8))


def test_less_power_means_lower_ratings() -> None:
    usual, tight = instance("S", 0).site, instance("S", 0, Axes(power=0.8)).site
    assert all(
        tight.power_nodes[name].rating_w < node.rating_w for name, node in usual.power_nodes.items()
    )
    assert all(tight.loops[name].unit_w < loop.unit_w for name, loop in usual.loops.items())


def test_isolated_and_pinned_work_can_be_left_out() -> None:
    plain = instance("M", 0, Axes(isolated=0, pinned=0)).workload
    assert not plain.contracts
    assert len(instance("M", 0).workload.contracts) > 0
    assert len({tenant.isolation for tenant in plain.tenants.values()}) == 1


def test_skew_moves_gpus_to_larger_jobs() -> None:
    usual, skewed = instance("S", 0), instance("S", 0, Axes(skew=4))
    assert many_rack_jobs(skewed) > many_rack_jobs(usual)


# ---- baselines


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("size", ["XS", "S"])
def test_every_baseline_stays_inside_every_limit(name: str, size: str) -> None:
    problem = instance(size, 0)
    verdict = planned(problem, name)
    assert (verdict.violation, verdict.unmet_firm_gpus) == (0, 0)
    assert verdict.margin_mills > 0


@pytest.mark.parametrize("name", BASELINES)
def test_without_time_the_plan_is_empty_or_feasible(name: str) -> None:
    problem = instance("XS", 0)
    compiled, task = compiled_and_task(problem, limit_s=0.0)
    BASELINES[name](task)
    assert task.best is not None
    assert check(problem, to_plan(compiled, task.best)).violation == 0


@pytest.mark.parametrize("name", GREEDY)
def test_pinned_firm_work_is_placed_first(name: str) -> None:
    problem = instance("S", 0)
    assert problem.workload.contracts
    compiled, task = compiled_and_task(problem)
    BASELINES[name](task)
    assert task.best is not None
    plan = to_plan(compiled, task.best)
    assert all(
        plan.placed_units(each.name) == each.units for each in problem.workload.contracts.values()
    )


@pytest.mark.parametrize("name", GREEDY)
def test_nothing_gets_worse_on_random_sites(name: str) -> None:
    """On sites that are outside a limit while empty, no plan may add to it."""
    placed = 0
    for seed in range(60):
        problem = random_problem(seed)
        before, verdict = check(problem, Plan({})), planned(problem, name)
        assert verdict.violation <= before.violation, seed
        placed += verdict.margin_mills > before.margin_mills
    assert placed > 20  # or the test would see nothing


def test_a_whole_gang_or_nothing() -> None:
    problem = instance("S", 1)
    compiled, task = compiled_and_task(problem)
    BASELINES["first-fit"](task)
    assert task.best is not None
    total = np.bincount(task.best.job, task.best.units, compiled.num_jobs)
    assert ((total == 0) | (total >= compiled.units.least)).all()
    assert (total[compiled.units.least > 9] > 0).any()  # more nodes than a rack has


def test_a_program_that_is_too_large_is_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.baselines.monolithic.MOST_VARIABLES", 100)
    _, task = compiled_and_task(instance("XS", 0))
    assert BASELINES["monolithic"](task) == "not built: 594 variables, at most 100"
    assert task.best_score is not None
    assert task.best_score.violation == 0  # the hint's plan


def test_plans_of_parts_hold_together() -> None:
    """Two halves planned alone, each with its share of the one utility line, break no limit."""
    problem = instance("M", 0)
    compiled, task = compiled_and_task(problem)
    everybody = np.arange(compiled.num_jobs)
    parts = [cut(compiled, everybody[half::2], np.arange(256) + 256 * half) for half in (0, 1)]
    for whole, first, second in zip(
        *map(loads, (compiled, *(p.compiled for p in parts))), strict=True
    ):
        assert (first.limit + second.limit <= np.maximum(whole.limit - whole.base, 0)).all()
    plans = [part.to_whole(first_fit_of(part.compiled)) for part in parts]
    task.offer(
        Shards.build(*(np.concatenate(each) for each in zip(*map(columns, plans), strict=True)))
    )
    assert task.best is not None
    verdict = check(problem, to_plan(compiled, task.best))
    assert verdict.violation == 0
    assert verdict.margin_mills > 0


@pytest.mark.parametrize("seed", range(40))
def test_what_is_taken_back_leaves_no_trace(seed: int) -> None:
    """Room after jobs came and some went is the room around those that are left."""
    problem = random_problem(seed)
    compiled, task = compiled_and_task(problem)
    BASELINES["first-fit"](task)
    assert task.best is not None
    busy, fresh = Layout(compiled), Layout(compiled)
    for job, rack, units in zip(*map(np.ndarray.tolist, columns(task.best)), strict=True):
        busy.add(job, rack, units)
    for job in range(compiled.num_jobs):
        busy.fit(job)  # worked out now, so that taking back has something to put right
    for job in range(0, compiled.num_jobs, 2):
        busy.remove(job)
    for job in range(1, compiled.num_jobs, 2):
        for rack, units in busy.placed[job].items():
            fresh.add(job, rack, units)
    for job in range(compiled.num_jobs):
        assert (busy.fit(job) == fresh.fit(job)).all()
        for rack in np.flatnonzero(busy.fit(job)).tolist():
            assert busy.fit_one(job, rack) == busy.fit(job)[rack]


def test_the_task_keeps_the_best_plan_and_its_curve() -> None:
    compiled, task = compiled_and_task(instance("XS", 0))
    BASELINES["first-fit"](task)
    best, curve = task.best, list(task.curve)
    assert not task.offer(Shards.build(*np.zeros((3, 0), np.int64)))
    assert task.best is best
    assert (len(curve), task.curve) == (1, curve)
    assert compiled.num_jobs


# ---- records and verdicts


def test_a_short_run_writes_table_records_and_markdown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "planner.json"
    options = ["--sizes", "XS", "--seeds", "0", "--time-limit", "3", "--baselines", "first-fit"]
    assert harness.main(["planner", *options, "--json", str(out)]) == 0
    ours, first_fit = json.loads(out.read_text())["records"]
    assert set(ours) == set(first_fit) == KEYS
    assert ours["axes"] == DEFAULT_AXES
    assert (ours["checked"], ours["violation"]) == (True, 0)
    assert 0 <= ours["gap"] <= first_fit["gap"] < 1
    assert first_fit["more_value"] == "yes"
    assert ours["curve"][-1][1:] == [ours["margin_usd_per_h"], ours["bound_usd_per_h"]]
    assert [point[0] for point in ours["curve"]] == sorted(point[0] for point in ours["curve"])
    assert ours["peak_rss_mib"] > 50
    table = capsys.readouterr().out
    assert "first-fit" in table
    assert max(map(len, table.splitlines())) <= tables.WIDTH
    assert harness.main(["planner", "--markdown", str(out)]) == 0
    assert capsys.readouterr().out.startswith("| instance | solver |")


def test_a_bound_below_a_checked_plan_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also when the better plan is a baseline's: 100 by first fit, ours 90 with a bound of 95."""
    records = {
        "rackwatt": made("rackwatt", margin=90.0, bound=95.0),
        "first-fit": made("first-fit", margin=100.0),
    }
    assert benchmark_of(records, monkeypatch) == 1
    assert "bound of 95.000 $/h is below the checked plan of first-fit" in capsys.readouterr().out
    records["rackwatt"]["bound_usd_per_h"] = 100.0
    assert benchmark_of(records, monkeypatch) == 0


def test_a_bound_says_nothing_of_plans_that_owe_more(monkeypatch: pytest.MonkeyPatch) -> None:
    records = {
        "rackwatt": made("rackwatt", margin=90.0, bound=95.0),
        "first-fit": made("first-fit", margin=100.0, unmet_firm_gpus=8),
    }
    assert benchmark_of(records, monkeypatch) == 0
    judged = verdicts.judged(records.values())
    assert judged[1]["more_value"] == "yes"  # obligations come before the margin
    assert judged[1]["gap"] is None
    assert judged[0]["gap"] == pytest.approx(5 / 95)


def test_a_plan_outside_a_limit_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(measure, "BASELINES", {"first-fit": everything_on_the_first_rack})
    broken = measure.measure(case("first-fit"))
    assert broken["checked"] is False
    assert broken["violation"] > 0
    records = {"rackwatt": made("rackwatt", margin=90.0, bound=95.0), "first-fit": broken}
    assert benchmark_of(records, monkeypatch) == 1
    assert "XS seed 0 first-fit: the plan is outside a limit" in capsys.readouterr().out


def test_a_run_that_fails_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = run_alone({**case("nobody"), "time_limit_s": 1})
    assert "KeyError" in failed["error"]
    records = {"rackwatt": made("rackwatt", margin=1.0, bound=2.0), "first-fit": failed}
    assert benchmark_of(records, monkeypatch) == 1
    assert "KeyError" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--sizes", "XS,huge"),
        ("--seeds", "a"),
        ("--baselines", "luck"),
        ("--axis", "colour=1"),
        ("--axis", "load=heavy"),
        ("--axis", "power=0"),
    ],
)
def test_mistakes_in_options_are_named(
    option: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert harness.main(["planner", option, value]) == 2
    assert capsys.readouterr().err.startswith(f"{option}: expected")


def test_every_combination_of_severities_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def remember(each: Record) -> Record:
        seen.append((each["axes"].get("load"), each["axes"].get("power")))
        return {**each, "error": "not run"}

    monkeypatch.setattr(command, "run_alone", remember)
    axes = ["--axis", "load=1,1.2", "--axis", "power=0.9"]
    options = ["--sizes", "XS,colossus", "--seeds", "0", "--baselines", "none"]
    assert harness.main(["planner", *options, *axes]) == 1
    assert seen == [(1.0, 0.9), (1.2, 0.9), (None, None)]  # an example has no axes


def test_targets_are_told_apart() -> None:
    late = made("rackwatt", size="M", margin=95.0, bound=100.0, wall_s=64.0, peak_rss_mib=900.0)
    equal = made("first-fit", size="M", margin=95.0)
    missed = targets.missed(verdicts.judged([late, equal]))
    assert missed == [
        "M seed 0 rackwatt: expected at most 63.0 s, took 64.0 s",  # 60 s and 5 %
        "M: expected a median gap of at most 2.0%, got 5.00% (1 seeds)",
        "M: expected at most 0.5 GB, held 0.94 GB",  # 900 MiB * 2^20 / 1e9
        "M seed 0 first-fit: expected to be worth less than rackwatt's plan",
    ]
    good = made("rackwatt", size="M", margin=99.0, bound=100.0, wall_s=60.0, peak_rss_mib=400.0)
    assert targets.missed(verdicts.judged([good, equal])) == []


def test_a_missed_target_counts_only_if_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    records = {"rackwatt": made("rackwatt", margin=9.0, bound=9.0, wall_s=6.0)}
    assert benchmark_of(records, monkeypatch, "none") == 0
    assert benchmark_of(records, monkeypatch, "none", "--targets") == 1


def test_the_scarcest_resource_is_what_is_worth_most_together() -> None:
    """Slots: 2 x 100 + 1 x 50 = 250 mills/h; cooling: 3 x 80 = 240."""
    cooling = Price("load", "cooling_loops", "L1", "normal", "W", 3.0, 80)
    slots = [Price("slots", "rack_capacity", "r1", "", "slots", 2.0, 100)]
    slots.append(Price("slots", "isolation", "r2", "", "slots", 1.0, 50))
    assert measure.scarce_resource([cooling, *slots]) == "slots"
    assert measure.scarce_resource([cooling, slots[0]]) == "cooling_loops"
    assert measure.scarce_resource([]) is None


def test_memory_counts_child_processes() -> None:
    """A child holds 200 MiB, and its parent little."""
    child = "held = bytearray(200 * 2**20); print('ready', flush=True); input()"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    with subprocess.Popen(
        [sys.executable, "-c", parent],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        held = session_mib(process.pid)
        process.communicate("\n")
    assert 200 < held < 300 or held == 0.0  # 0: there is no /proc here


# ---- tables and pictures


def test_names_are_escaped_in_tables(capsys: pytest.CaptureFixture[str]) -> None:
    document = document_of(made("rackwatt", margin=9.0, bound=10.0, scarce="[red]U1|U2"))
    tables.show(document)
    assert "[red]U1|U2" in capsys.readouterr().out
    assert r"\[red\]U1\|U2" in tables.markdown(document)


def test_the_median_of_curves_waits_for_the_first_bound() -> None:
    runs = [[(1.0, 0.5), (3.0, 0.1)], [(2.0, 0.3)]]
    # At 1 s: 0.5 and nothing (1.0); at 2 s: 0.5 and 0.3; at 3 s: 0.1 and 0.3.
    expected = [(1.0, 0.75), (2.0, 0.4), (3.0, 0.2)]
    assert picture.median_steps(runs) == [pytest.approx(point) for point in expected]


def test_the_picture_shows_sizes_and_severities(tmp_path: Path) -> None:
    pytest.importorskip("plotly")
    records = [
        made(solver, margin=margin, bound=10.0, seed=seed, axes={**DEFAULT_AXES, "load": load})
        for seed in (0, 1)
        for load in (1.0, 1.2)
        for solver, margin in (("rackwatt", 9.5), ("<i>first</i>", 8.0))
    ]
    out = tmp_path / "planner.html"
    assert picture.draw(document_of(*records), out) == f"picture: {out}"
    page = out.read_text(encoding="utf-8")
    assert "Median gap by load" in page
    assert "XS load=1.2" in page
    assert "<i>first" not in page


def test_without_plotly_there_is_a_line_instead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    out = tmp_path / "planner.html"
    line = picture.draw(document_of(made("rackwatt", margin=9.0, bound=10.0)), out)
    assert line == "no picture: plotly is not installed (extra bench)"
    assert not out.exists()


# ---- what the tests share


def asked_gpus(axes: Axes) -> int:
    return sum(job.gpus for job in instance("S", 0, axes).workload.jobs.values())


def many_rack_jobs(problem: Problem) -> int:
    return sum(job.gpus for job in problem.workload.jobs.values() if job.gpus > 72)


def compiled_and_task(problem: Problem, limit_s: float = 3.0) -> tuple[Compiled, Task]:
    compiled = compile_problem(problem, Topology(problem.site))
    return compiled, Task(compiled, NumpyBackend().load(compiled).score, limit_s, workers=2)


def planned(problem: Problem, name: str) -> Verdict:
    """Return the check's verdict on the plan of a baseline."""
    compiled, task = compiled_and_task(problem)
    BASELINES[name](task)
    assert task.best is not None
    return check(problem, to_plan(compiled, task.best))


def first_fit_of(compiled: Compiled) -> Shards:
    task = Task(compiled, NumpyBackend().load(compiled).score, 20)
    BASELINES["first-fit"](task)
    assert task.best is not None
    return task.best


def loads(compiled: Compiled) -> list[LinearLoad]:
    return [form for form in compiled.forms if isinstance(form, LinearLoad)]


def columns(shards: Shards) -> tuple[Any, ...]:
    return shards.job, shards.rack, shards.units


def everything_on_the_first_rack(task: Task) -> str:
    jobs = np.arange(task.compiled.num_jobs)
    task.offer(Shards.build(jobs, jobs * 0, task.compiled.units.most))
    return ""


def case(solver: str) -> Record:
    return {
        "size": "XS",
        "seed": 0,
        "axes": dict(DEFAULT_AXES),
        "solver": solver,
        "time_limit_s": 5,
        "workers": 2,
    }


def made(
    solver: str,
    *,
    margin: float,
    bound: float | None = None,
    size: str = "XS",
    **figures: Any,
) -> Record:
    """Return a record that nobody measured."""
    return {
        **case(solver),
        "size": size,
        "time_limit_s": 60 if size == "M" else 5,
        "status": "feasible",
        "checked": True,
        "violation": 0,
        "unmet_firm_gpus": 0,
        "margin_usd_per_h": margin,
        "bound_usd_per_h": bound,
        "placed_gpus": 8,
        "requested_gpus": 16,
        "wall_s": 1.0,
        "peak_rss_mib": 100.0,
        "scarce": None,
        "note": "",
        "curve": [[0.5, margin, bound]],
        **figures,
    }


def document_of(*records: Record) -> Record:
    return {
        "machine": {"processor": "made up", "cores": 2},
        "versions": {"rackwatt": "0"},
        "records": verdicts.judged(records),
    }


def benchmark_of(
    records: dict[str, Record],
    monkeypatch: pytest.MonkeyPatch,
    baselines: str = "first-fit",
    *more: str,
) -> int:
    """Run the command as if its runs had given these records."""
    monkeypatch.setattr(command, "run_alone", lambda each: records[each["solver"]])
    options = ["--sizes", "XS", "--seeds", "0", "--baselines", baselines]
    return harness.main(["planner", *options, *more])
