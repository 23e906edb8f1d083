"""The engine on Ray: the same checks as for the others, on a cluster of this machine's own."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduler.planner.engine import Engine, Task, make_engine
from tests import engine_checks as checks
from tests import engine_tasks as tasks
from tests.engine_checks import run

REQUIRED = os.environ.get("RACKWATT_REQUIRE_RAY") == "1"
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None and not REQUIRED, reason="ray is not installed"
)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RAY_ADDRESS", raising=False)
        with make_engine("ray", tasks.context(), workers=2) as made:
            yield made
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before


def test_results_equal_those_inline(engine: Engine) -> None:
    checks.results_equal_those_inline(engine)


def test_results_are_in_order_of_the_tasks(engine: Engine) -> None:
    checks.results_are_in_order_of_the_tasks(engine)


def test_all_workers_work(engine: Engine, tmp_path: Path) -> None:
    checks.all_workers_work(engine, tmp_path)


def test_a_killed_worker_loses_nothing(engine: Engine, tmp_path: Path) -> None:
    checks.a_killed_worker_loses_nothing(engine, tmp_path)


def test_a_task_that_kills_is_given_up(engine: Engine, tmp_path: Path) -> None:
    checks.a_task_that_kills_is_given_up(engine, tmp_path)


def test_a_task_beside_runs_does_not_hold_them_up(engine: Engine) -> None:
    checks.a_task_beside_runs_does_not_hold_them_up(engine)
    checks.a_task_beside_runs_may_end_during_one(engine)


def test_a_task_beside_runs_can_be_given_up(engine: Engine, tmp_path: Path) -> None:
    checks.a_task_beside_runs_can_be_given_up(engine)
    checks.a_task_beside_runs_that_kills_is_given_up(engine, tmp_path)
    checks.an_exception_beside_runs_is_raised(engine)


def test_an_exception_is_raised_with_its_origin(engine: Engine) -> None:
    checks.an_exception_is_raised_with_its_origin(engine)


def test_the_context_is_read_only(engine: Engine) -> None:
    checks.the_context_is_read_only(engine)


def test_the_deadline_ends_what_is_running(engine: Engine) -> None:
    checks.the_deadline_ends_what_is_running(engine)


def test_stopped_ends_what_is_running(engine: Engine) -> None:
    checks.stopped_ends_what_is_running(engine)


def test_workers_do_not_hear_ctrl_c(engine: Engine) -> None:
    assert run(engine, [Task(tasks.interrupt_self, None)]) == ["went on"]


def test_a_worker_that_grows_between_tasks_is_replaced(engine: Engine) -> None:
    limit_mib = 300  # well above what a fresh actor needs, about 100
    with make_engine("ray", tasks.context(), workers=1, memory_limit_mib=limit_mib) as small:
        checks.a_grown_worker_is_replaced_between_tasks(small, limit_mib)
    assert run(engine, [Task(tasks.nap, 0.0)]) == [0.0]  # the cluster is still there


def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    pid, told = tmp_path / "pid", tmp_path / "told"
    with told.open("w") as stdout:
        parent = subprocess.Popen(
            [sys.executable, "-c", tasks.PARENT, "ray", str(pid)], stdout=stdout
        )
    assert checks.eventually(pid.exists, 40)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert checks.eventually(lambda: checks.ended(int(pid.read_text())), 10)
    assert told.read_text() == ""  # standard output is for results, not for dead workers
