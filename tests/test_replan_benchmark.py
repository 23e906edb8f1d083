"""The benchmark of replanning: its records, and that it sees an unsafe way."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.replanning import Course, is_safe
from scheduler.model import Plan
from scheduler.questions.moves import Waves
from scheduler.questions.replan import Budget, replan
from scheduler.solve import Progress
from tests import build

TINY = Path(__file__).resolve().parent.parent / "examples" / "tiny"


def test_a_short_run_writes_its_records(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text('{"placements": [{"job": "notebook", "rack": "H1-A01-R1", "units": 2}]}')
    file = tmp_path / "records.json"
    words = ["replan", "--site", str(TINY), "--plan", str(plan), "--cases", "1", "--seed", "3"]
    assert main([*words, "--time-limit", "0.5", "--cold-s", "1", "--json", str(file)]) == 0
    records = json.loads(file.read_text())["records"]
    assert [record["case"].split()[0] for record in records] == ["loss", "arrival"]
    assert all(record["safe"] for record in records)
    assert "every state on the way is safe: 2 of 2" in capsys.readouterr().out


def test_a_wave_that_overlaps_is_unsafe() -> None:
    # b has to leave r2 before a can come: all at once would need three racks' nodes on two
    jobs = [build.job("a"), build.job("b")]
    jobs.append(build.job("big", units=2, value_mills_per_gpu_h=5000, within=("r1",)))
    problem = build.problem(jobs=jobs)
    found = replan(problem, Plan({"a": {"r1": 1}, "b": {"r2": 1}}), budget=Budget(1))
    assert len(found.waves.waves) == 2
    assert is_safe(found)
    first, last = found.waves.waves
    merged = replace(last, moves=(*first.moves, *last.moves))
    assert not is_safe(replace(found, waves=Waves((merged,))))
    assert not is_safe(replace(found, waves=Waves((first,))))  # does not get there


def test_when_a_margin_was_reached() -> None:
    course = Course()
    for violation, margin in ((5, 900), (0, 100), (0, 300)):
        course.progress(
            Progress(
                phase="improve",
                elapsed_s=0,
                time_limit_s=1,
                violation=violation,
                unmet_firm_gpus=0,
                margin_mills=margin,
                bound_mills=None,
            )
        )
    assert course.seconds_to(200) == course.steps[1][0]
    assert course.seconds_to(900) is None  # a plan that breaks limits does not count
