"""A search that begins with an earlier plan: what is kept, what is proven, what is refused."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from kernels.forms import Compiled
from scheduler.cli.app import app
from scheduler.compile import compile_problem
from scheduler.evaluate import to_plan, to_shards
from scheduler.model import Plan, Problem
from scheduler.planner import Best, Search, kept
from scheduler.solve import Solution, solve
from scheduler.topology import Topology
from tests import build
from tests.test_solve import Listener

RUNNER = CliRunner()
EXAMPLES = Path(__file__).parent.parent / "examples"
TINY = tuple(str(EXAMPLES / "tiny" / name) for name in ("site.yaml", "workload.yaml"))
TENTH = tuple(str(EXAMPLES / "colossus-tenth" / name) for name in ("site.yaml", "workload.yaml"))


def four_nodes(**fields: Any) -> Problem:
    """Two racks of two nodes; a gang of two nodes and an elastic job of one to four."""
    jobs = [build.job("gang", units=2), build.job("free", units=4, min_units=1)]
    return build.problem(build.site(**fields), jobs)


def compiled(problem: Problem) -> Compiled:
    return compile_problem(problem, Topology(problem.site))


def what_is_kept(problem: Problem, plan: Plan) -> tuple[Plan, int]:
    form = compiled(problem)
    shards, dropped = kept(form, to_shards(form, plan))
    return to_plan(form, shards), dropped


def at_once(problem: Problem, plan: Plan | None = None, **fields: Any) -> Solution:
    """The solution of a search that has time for its start alone."""

    def run(search: Search) -> Best:
        search._begin_from_start()
        return search.best

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Search, "run", run)
        return solve(problem, time_limit_s=10, start=plan, **fields)


WHOLE = Plan({"gang": {"r1": 2}, "free": {"r2": 2}})


def test_a_plan_inside_every_limit_is_kept_as_it_is() -> None:
    assert what_is_kept(four_nodes(), WHOLE) == (WHOLE, 0)


def test_of_an_elastic_job_the_part_that_fits_is_kept() -> None:
    """Five units on four nodes: the gang comes first, two nodes are left to the other job."""
    plan = Plan({"free": {"r2": 3}, "gang": {"r1": 2}})
    assert what_is_kept(four_nodes(), plan) == (WHOLE, 1)


def test_a_gang_is_kept_whole_or_not_at_all() -> None:
    """One node of r1 is down: half of the gang would fit, so both of its units are dropped."""
    racks = [build.rack("r1", down_nodes=1), build.rack("r2")]
    assert what_is_kept(four_nodes(racks=racks), WHOLE) == (Plan({"free": {"r2": 2}}), 2)


def test_a_drained_rack_keeps_nothing() -> None:
    racks = [build.rack("r1"), build.rack("r2", drained=True)]
    assert what_is_kept(four_nodes(racks=racks), WHOLE) == (Plan({"gang": {"r1": 2}}), 2)


def test_a_rack_that_is_forbidden_by_now_keeps_nothing() -> None:
    """Rack r2 holds other GPUs by now; its nodes are free, but no job may take them."""
    types = {"hgx": build.rack_type(), "other": build.rack_type("other", gpu_type="b200")}
    racks = [build.rack("r1"), build.rack("r2", type="other")]
    problem = four_nodes(racks=racks, rack_types=types)
    assert what_is_kept(problem, WHOLE) == (Plan({"gang": {"r1": 2}}), 2)


def test_a_search_without_time_returns_its_start() -> None:
    assert at_once(four_nodes()).plan == Plan({})
    resumed = at_once(four_nodes(), WHOLE)
    assert resumed.plan == WHOLE
    assert "resumed from a plan of 4 units" in resumed.notes


def test_a_resumed_search_is_never_worse_than_its_start() -> None:
    """Jobs of a dollar and of cents: the start holds the dear ones, which nothing may undo."""
    problem = four_nodes()
    best = solve(problem, time_limit_s=10)
    listener = Listener()
    resumed = solve(problem, time_limit_s=10, watch=listener, start=best.plan)
    assert not best.score < resumed.score
    assert all(not best.score < told.score for told in listener.kept)


def test_units_of_jobs_and_racks_that_are_no_more_are_dropped_and_counted() -> None:
    plan = Plan({"gang": {"r1": 2}, "free": {"r2": 3}, "gone": {"r1": 4}})
    plan = Plan({**plan.units, "free": {"r2": 3, "r9": 2}})
    resumed = at_once(four_nodes(), plan)
    assert resumed.plan == WHOLE
    assert (
        "resumed from a plan of 11 units, 7 of them dropped: 6 of jobs or racks that are no more, "
        "1 that do not fit any more"
    ) in resumed.notes


def test_moves_away_from_the_start_cost_nothing() -> None:
    """A price on moves counts from the running plan, and there is none."""
    site = build.site()
    site = replace(site, prices=replace(site.prices, move_mills_per_gpu=10**6))
    problem = build.problem(site, [build.job("gang", units=2)])
    fresh = solve(problem, time_limit_s=10)
    resumed = solve(problem, time_limit_s=10, start=Plan({"gang": {"r1": 1, "r2": 1}}))
    assert resumed.score.key == fresh.score.key
    assert resumed.problem.current is None


def test_a_known_bound_is_taken_over() -> None:
    problem = four_nodes()
    best = solve(problem, time_limit_s=10)
    assert best.status == "optimal"
    assert at_once(problem, best.plan).bound_mills is None
    resumed = at_once(
        problem, best.plan, known_bound_mills=best.bound_mills, known_bound_by="exact"
    )
    assert (resumed.status, resumed.bound_mills) == ("optimal", best.bound_mills)
    assert resumed.bound_by == "exact"


def test_a_bound_is_not_taken_over_by_a_plan_that_meets_less() -> None:
    """The bound was proven for plans that meet the contract of a node; the start does not."""
    problem = build.problem(contracts=[build.contract("owed")])
    met = at_once(problem, Plan({"owed": {"r1": 1}}), known_bound_mills=10**6)
    assert met.bound_mills == 10**6
    unmet = at_once(problem, Plan({}), known_bound_mills=10**6)
    assert unmet.bound_mills is None
    known = at_once(problem, Plan({}), known_bound_mills=10**6, known_unmet_gpus=8)
    assert known.bound_mills == 10**6


# ---- the command


def plan(*words: str) -> Any:
    return RUNNER.invoke(app, ["plan", *words])


def result_of(folder: Path) -> dict[str, Any]:
    data = json.loads((folder / "result.json").read_text())
    assert isinstance(data, dict)
    return data


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny example, planned."""
    folder = tmp_path_factory.mktemp("tiny")
    assert plan(*TINY, "--out", str(folder), "--time-limit", "10").exit_code == 0
    return folder


@pytest.fixture
def earlier(tiny: Path, tmp_path: Path) -> Path:
    """A copy of that folder."""
    shutil.copytree(tiny, tmp_path / "earlier")
    return tmp_path / "earlier"


def test_the_folder_may_be_that_of_the_run_itself(earlier: Path) -> None:
    before = result_of(earlier)
    assert before["status"] == "optimal"
    words = (*TINY, "--out", str(earlier), "--resume", str(earlier), "--time-limit", "5")
    done = plan(*words)
    assert done.exit_code == 0, done.output
    after = result_of(earlier)
    assert after["margin_usd_per_h"] == before["margin_usd_per_h"]
    assert after["bound_usd_per_h"] == before["bound_usd_per_h"]
    assert after["problem_digest"] == before["problem_digest"]
    assert "note: resumed from a plan of " in done.stdout


def edit(file: Path, **fields: Any) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **fields}))


def test_the_bound_counts_for_the_same_problem_alone(earlier: Path, tmp_path: Path) -> None:
    """A bound of nothing is planted: where it counts, no plan may be better, and that is told."""
    edit(earlier / "result.json", bound_usd_per_h=0.0)
    words = ("--resume", str(earlier), "--time-limit", "5")
    done = plan(*TINY, "--out", str(tmp_path / "same"), *words)
    assert isinstance(done.exception, RuntimeError)
    assert "above the proven bound of 0 mills/h" in str(done.exception)
    workload = tmp_path / "workload.yaml"
    workload.write_text(Path(TINY[1]).read_text().replace("name: tiny", "name: other", 1))
    done = plan(TINY[0], str(workload), "--out", str(tmp_path / "other"), *words)
    assert done.exit_code == 0, done.output
    assert result_of(tmp_path / "other")["bound_usd_per_h"] > 0


def test_a_folder_that_cannot_be_resumed_is_one_line(earlier: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "out")

    def refused(folder: Path) -> str:
        done = plan(*TINY, "--out", out, "--resume", str(folder))
        assert done.exit_code == 2
        assert done.stderr.count("\n") == 1
        return str(done.stderr)

    assert "expected a folder that `rackwatt plan` wrote" in refused(tmp_path / "nowhere")
    edit(earlier / "result.json", unmet_firm_gpus="many")
    assert "result.json:1: unmet_firm_gpus: " in refused(earlier)
    (earlier / "result.json").unlink()
    assert "result.json" in refused(earlier)
    (earlier / "plan.json").write_text("{")
    assert "plan.json:1" in refused(earlier)
    assert not (tmp_path / "out" / "plan.json").exists()


def test_a_run_that_was_interrupted_goes_on_from_its_plan(tmp_path: Path) -> None:
    words = [*TENTH, "--out", str(tmp_path), "--time-limit", "120", "--json"]
    main = "from scheduler.cli.app import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", main, "plan", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with process:
        deadline = time.monotonic() + 60
        while not (tmp_path / "plan.json").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    before = result_of(tmp_path)
    assert before["status"] == "interrupted"
    again = [*TENTH, "--out", str(tmp_path), "--resume", str(tmp_path), "--time-limit", "4"]
    assert plan(*again, "--json").exit_code in (0, 1)
    after = result_of(tmp_path)
    assert after["status"] != "interrupted"
    assert (after["unmet_firm_gpus"], -after["margin_usd_per_h"]) <= (
        before["unmet_firm_gpus"],
        -before["margin_usd_per_h"],
    )
    assert RUNNER.invoke(app, ["check", str(tmp_path)]).exit_code == 0
