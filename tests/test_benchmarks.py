"""The benchmark harness: a smoke run without looking at times."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import benchmarks.__main__ as harness
from benchmarks.main_job import (
    PROJECT,
    help_s,
    is_good,
    run_alone,
    seeds_of,
    stranded_share,
    undrawn_share,
    with_ups,
)
from scheduler.inputs import read_problem
from scheduler.planner import fast

FIGURES = {
    *("example", "seed", "read_s", "compile_s", "plan_s", "check_s", "status", "gap", "checked"),
    *("violation", "unmet_firm_gpus", "margin_usd_per_h", "placed_gpus", "requested_gpus"),
    *("stranded", "racks_full", "undrawn", "it_mw", "drawable_mw", "ups", "peak_rss_mib"),
}


def test_seeds_are_lists_and_ranges() -> None:
    assert seeds_of("0") == [0]
    assert seeds_of("0,2-4") == [0, 2, 3, 4]


def test_the_main_job_of_the_tiny_example(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "bench.json"
    options = ["--sizes", "tiny", "--seeds", "0", "--time-limit", "10", "--json", str(out)]
    assert harness.main(["main", *options]) == 0
    document = json.loads(out.read_text())
    (record,) = document["runs"]
    assert set(record) >= FIGURES
    assert (record["checked"], record["violation"]) == (True, 0)
    assert record["peak_rss_mib"] > 1
    assert document["machine"]["cores"] >= 1
    assert {"rackwatt", "python", "numpy", "ortools"} <= set(document["versions"])
    assert "tiny" in capsys.readouterr().out


def test_stranded_power_is_a_share_of_what_failover_allows() -> None:
    power = {"it_mw": 60.0, "firm_headroom_mw": 20.0}
    result = {"power": power, "stranded_mw": 2.0, "stranded_by_cause_mw": {"racks_full": 1.5}}
    assert stranded_share(result) == 2 / 80
    assert stranded_share(result, "racks_full") == 1.5 / 80
    assert stranded_share({"power": dict.fromkeys(power, 0.0), "stranded_mw": 0.0}) == 0.0


def test_what_is_not_drawn_is_a_share_of_what_any_plan_can_draw() -> None:
    assert undrawn_share({"power": {"it_mw": 60.0, "drawable_mw": 80.0}}) == 0.25
    assert undrawn_share({"power": {"it_mw": 0.0, "drawable_mw": 0.0}}) == 0.0


def test_ups_at_a_share_of_their_rating() -> None:
    """Nothing else of the site changes."""
    folder = PROJECT / "examples" / "tiny"
    problem = read_problem(folder / "site.yaml", folder / "workload.yaml")
    scarce = with_ups(problem, 0.5)
    changed = {
        name: (node.rating_w, scarce.site.power_nodes[name].rating_w)
        for name, node in problem.site.power_nodes.items()
        if node != scarce.site.power_nodes[name]
    }
    assert changed
    assert all(after == before // 2 for before, after in changed.values())
    assert {problem.site.power_nodes[name].kind for name in changed} == {"ups"}
    assert with_ups(problem, 1.0) == problem


@pytest.mark.parametrize("share", ["half", "0", "nan", "1,-1"])
def test_a_share_that_is_none_is_refused(share: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert harness.main(["main", "--sizes", "tiny", f"--ups={share}"]) == 2
    assert "--ups: expected" in capsys.readouterr().err


def test_an_unknown_example_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert harness.main(["main", "--sizes", "nowhere"]) == 2
    assert "nowhere" in capsys.readouterr().err


def test_a_run_that_fails_is_recorded_with_its_reason() -> None:
    record = run_alone({"example": "nowhere", "seed": 0, "plan": False})
    assert "nowhere" in record["error"]
    assert not is_good(record)


def test_a_plan_outside_a_limit_is_not_good() -> None:
    assert is_good({"plan": False})
    planned = {"plan": True, "checked": True, "it_mw": 2.0, "drawable_mw": 2.0}
    assert is_good(planned)
    assert not is_good(planned | {"checked": False})


def test_a_plan_that_draws_more_than_any_can_is_not_good() -> None:
    planned = {"plan": True, "checked": True, "it_mw": 2.1, "drawable_mw": 2.0}
    assert not is_good(planned)


def test_help_time_is_the_median_of_real_runs() -> None:
    assert 0 < help_s() < 60


def test_steps_are_timed_both_ways(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("numba", reason="the extra fast is not installed")
    if not fast.available():
        fast.build()
    assert harness.main(["steps", "--sizes", "S", "--seconds", "0.2"]) == 0
    out = capsys.readouterr().out
    assert "steps of ruin and recreate" in out
    assert out.count("%") == 2  # what NumPy gains, and machine code


def test_steps_need_machine_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fast, "available", lambda: False)
    assert harness.main(["steps"]) == 2
    assert "python -m scheduler.planner.fast" in capsys.readouterr().err
