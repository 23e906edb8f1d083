"""Engines that need nothing installed: inline, and processes on this machine."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scheduler.planner.engine import Engine, EngineError, Task, context_file, make_engine
from scheduler.planner.engine.choose import Name
from scheduler.planner.engine.crew import CrewEngine
from scheduler.planner.engine.inline import InlineEngine
from tests import engine_checks as checks
from tests import engine_tasks as tasks
from tests.engine_checks import run


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with make_engine("local", tasks.context(), workers=2) as made:
        yield made


def test_results_equal_those_inline(engine: Engine) -> None:
    checks.results_equal_those_inline(engine)


def test_results_are_in_order_of_the_tasks(engine: Engine) -> None:
    checks.results_are_in_order_of_the_tasks(engine)


def test_all_workers_work(engine: Engine, tmp_path: Path) -> None:
    checks.all_workers_work(engine, tmp_path)


def test_a_killed_worker_loses_nothing(engine: Engine, tmp_path: Path) -> None:
    checks.a_killed_worker_loses_nothing(engine, tmp_path)
    assert engine.notes == ["task 1 is run again: its worker was killed by SIGKILL"]


def test_a_task_that_kills_is_given_up(engine: Engine, tmp_path: Path) -> None:
    checks.a_task_that_kills_is_given_up(engine, tmp_path)


def test_a_task_beside_runs_does_not_hold_them_up(engine: Engine) -> None:
    checks.a_task_beside_runs_does_not_hold_them_up(engine)
    checks.a_task_beside_runs_may_end_during_one(engine)


def test_a_task_beside_runs_can_be_given_up(engine: Engine, tmp_path: Path) -> None:
    checks.a_task_beside_runs_can_be_given_up(engine)
    checks.a_task_beside_runs_that_kills_is_given_up(engine, tmp_path)
    checks.an_exception_beside_runs_is_raised(engine)


@pytest.mark.parametrize("name", ["inline", "local"])
def test_one_worker_does_a_task_before_the_runs(name: Name) -> None:
    with make_engine(name, tasks.context(), workers=1) as alone:
        beside = checks.begin(alone, Task(tasks.nap, 0.01))
        assert (beside.ended, checks.finish(alone, beside)) == (True, 0.01)


def test_an_exception_is_raised_with_its_origin(engine: Engine) -> None:
    checks.an_exception_is_raised_with_its_origin(engine)


def test_an_exception_that_does_not_pickle_is_told(engine: Engine) -> None:
    checks.an_exception_that_does_not_pickle_is_told(engine)


def test_a_result_that_does_not_pickle_is_an_exception(engine: Engine) -> None:
    checks.a_result_that_does_not_pickle_is_an_exception(engine)


def test_the_context_is_read_only(engine: Engine) -> None:
    checks.the_context_is_read_only(engine)


def test_the_deadline_ends_what_is_running(engine: Engine) -> None:
    checks.the_deadline_ends_what_is_running(engine)


def test_nothing_is_begun_after_the_deadline(engine: Engine, tmp_path: Path) -> None:
    checks.nothing_is_begun_after_the_deadline(engine, tmp_path)


def test_stopped_ends_what_is_running(engine: Engine) -> None:
    checks.stopped_ends_what_is_running(engine)


def test_workers_do_not_hear_ctrl_c(engine: Engine) -> None:
    assert run(engine, [Task(tasks.interrupt_self, None)]) == ["went on"]


def test_a_worker_that_grows_between_tasks_is_replaced() -> None:
    limit_mib = 200  # well above what a fresh worker needs, about 70
    with make_engine("local", tasks.context(), workers=1, memory_limit_mib=limit_mib) as engine:
        checks.a_grown_worker_is_replaced_between_tasks(engine, limit_mib)


def test_a_worker_that_grows_far_too_much_is_ended() -> None:
    with make_engine("local", tasks.context(), workers=2, memory_limit_mib=150) as engine:
        assert run(engine, [Task(tasks.grow_and_stay, 300), Task(tasks.nap, 0.1)]) == [None, 0.1]
        again, given_up = engine.notes
    assert again.startswith("task 0 is run again: its worker grew to ")
    assert given_up.startswith("task 0 is given up: its worker grew to ")


def test_making_an_engine_does_not_wait_for_the_context() -> None:
    begin = time.monotonic()
    with make_engine("local", tasks.SlowToPickle(), workers=1) as engine:
        assert time.monotonic() - begin < 1
        assert run(engine, [Task(tasks.nap, 0)]) == [0]
        assert time.monotonic() - begin > 1.5


def test_close_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = set(Path("/proc/self/fd").iterdir())
    engine = make_engine("local", tasks.context(), workers=2)
    pids = run(engine, [Task(tasks.process, None)] * 2)
    assert list(tmp_path.iterdir()) == []
    begin = time.monotonic()
    engine.close()
    engine.close()
    assert time.monotonic() - begin < 1
    assert all(isinstance(pid, int) and not Path(f"/proc/{pid}").exists() for pid in pids)
    assert list(tmp_path.iterdir()) == []
    assert set(Path("/proc/self/fd").iterdir()) == before
    with pytest.raises(EngineError, match="is closed"):
        run(engine, [])


def test_ctrl_c_in_the_parent_ends_workers_inside_a_task(tmp_path: Path) -> None:
    def interrupted() -> bool:
        if (tmp_path / "pid").exists():
            raise KeyboardInterrupt
        return False

    with make_engine("local", tasks.context(), workers=1) as engine:
        with pytest.raises(KeyboardInterrupt):
            run(engine, [Task(tasks.write_pid_and_hold, tmp_path / "pid")], stopped=interrupted)
        assert not Path("/proc", (tmp_path / "pid").read_text()).exists()
        assert run(engine, [Task(tasks.nap, 0)]) == [0]


def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    """Also inside a task that never lets Python run, and all of them."""
    files = [tmp_path / "one", tmp_path / "two"]
    parent = subprocess.Popen([sys.executable, "-c", tasks.PARENT, "local", *map(str, files)])
    assert checks.eventually(lambda: all(each.exists() for each in files), 30)
    workers = [int(each.read_text()) for each in files]
    assert not any(map(checks.ended, workers))
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert checks.eventually(lambda: all(map(checks.ended, workers)), 1)


def test_the_context_file_is_private() -> None:
    with context_file.create() as file:
        status = os.fstat(file.fileno())
        assert stat.S_IMODE(status.st_mode) == 0o600
        assert status.st_nlink == 0  # no name: nobody can open it, nothing is left behind


def test_the_context_lies_in_memory_once() -> None:
    big = np.arange(64 << 17)  # 64 MiB
    with make_engine("local", big, workers=1) as engine:
        (found,) = run(engine, [Task(tasks.sum_and_memory, None)])
    assert isinstance(found, tuple)
    assert found[0] == big.sum()
    assert found[1] < 110  # NumPy and OR-Tools alone take about 70


def test_writing_the_context_stops_when_asked() -> None:
    with context_file.create() as file:
        assert context_file.write(file, tasks.context(), lambda: True) is None


def test_a_context_that_does_not_pickle_is_an_error_of_the_run() -> None:
    with (
        make_engine("local", lambda: None, workers=1) as engine,
        pytest.raises(Exception, match="pickle"),
    ):
        run(engine, [Task(tasks.nap, 0)])


def test_inline_stops_between_tasks() -> None:
    asked = iter([False, False, True])
    with make_engine("inline", tasks.context(), workers=1) as engine:
        found = run(engine, [Task(tasks.nap, 0.0)] * 4, stopped=lambda: next(asked))
        assert found == [0.0, 0.0, None, None]
        assert run(engine, [Task(tasks.nap, 0.0)], seconds=-1) == [None]
        with pytest.raises(ZeroDivisionError):
            run(engine, [Task(tasks.divide, 0)])


def test_auto_takes_processes_for_more_than_one_worker() -> None:
    with make_engine("auto", None, workers=1) as engine:
        assert isinstance(engine, InlineEngine)
    with make_engine("auto", None, workers=2) as engine:
        assert isinstance(engine, CrewEngine)


@pytest.mark.parametrize(
    ("name", "workers", "message"),
    [
        ("dask", 1, "expected one of auto, local, ray, inline, got dask"),
        ("local", 0, "expected at least 1 worker, got 0"),
    ],
)
def test_what_cannot_be_made_is_said(name: Any, workers: int, message: str) -> None:
    with pytest.raises(EngineError, match=message):
        make_engine(name, None, workers=workers)


def test_ray_that_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(EngineError) as raised:
        make_engine("ray", None, workers=1)
    assert str(raised.value) == "engine ray: ray is not installed (extra ray)"


def test_engines_load_ray_only_when_asked() -> None:
    code = "import sys, scheduler.planner.engine; sys.exit('ray' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
