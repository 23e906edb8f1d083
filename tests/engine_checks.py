"""What every engine with workers has to do, whatever its workers are."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from scheduler.planner.engine import Beside, Engine, Task, WorkerError, make_engine
from tests import engine_tasks as tasks

PATIENCE_S = 60.0  # far more than any run here takes


def run(
    engine: Engine,
    work: Sequence[Task],
    *,
    seconds: float = PATIENCE_S,
    stopped: Callable[[], bool] = bool,
) -> list[object | None]:
    return engine.run(work, deadline=time.monotonic() + seconds, stopped=stopped)


def warm_up(engine: Engine) -> None:
    """Wait until a worker has the context."""
    run(engine, [Task(tasks.nap, 0)])


def results_equal_those_inline(engine: Engine) -> None:
    work = [Task(tasks.draw, seed) for seed in range(20)]
    with make_engine("inline", tasks.context(), workers=1) as inline:
        expected = run(inline, work)
    found = run(engine, work)
    assert repr(found) == repr(expected)
    assert all(isinstance(each, tuple) and isinstance(each[1], np.ndarray) for each in found)


def results_are_in_order_of_the_tasks(engine: Engine) -> None:
    naps = [0.4, 0.0, 0.2, 0.1]
    assert run(engine, [Task(tasks.nap, each) for each in naps]) == naps


def all_workers_work(engine: Engine, folder: Path) -> None:
    found = run(engine, [Task(tasks.meet, (folder, engine.workers))] * engine.workers)
    assert len(set(found)) == engine.workers
    assert os.getpid() not in found


def a_killed_worker_loses_nothing(engine: Engine, folder: Path) -> None:
    work = [Task(tasks.nap, 0.1), Task(tasks.die_once, folder / "mark"), Task(tasks.nap, 0.2)]
    engine.notes.clear()
    assert run(engine, work) == [0.1, "done", 0.2]
    (note,) = engine.notes
    assert note.startswith("task 1 is run again: its worker ")


def a_task_that_kills_is_given_up(engine: Engine, folder: Path) -> None:
    naps = [Task(tasks.nap, 0.1)] * 3
    engine.notes.clear()
    found = run(engine, [Task(tasks.die, folder / "attempts"), *naps])
    assert found == [None, 0.1, 0.1, 0.1]
    assert (folder / "attempts").read_text() == "xx"
    assert engine.notes[-1].startswith("task 0 is given up: its worker ")


def an_exception_is_raised_with_its_origin(engine: Engine) -> None:
    with pytest.raises(ZeroDivisionError) as raised:
        run(engine, [Task(tasks.nap, 30), Task(tasks.divide, 0)])
    assert isinstance(raised.value.__cause__, WorkerError)
    assert "in divide" in str(raised.value.__cause__)
    assert run(engine, [Task(tasks.divide, 2)]) == [0.5]


def an_exception_that_does_not_pickle_is_told(engine: Engine) -> None:
    with pytest.raises(RuntimeError, match="StubbornError: 1 and 2"):
        run(engine, [Task(tasks.raise_stubborn, None)])


def a_result_that_does_not_pickle_is_an_exception(engine: Engine) -> None:
    with pytest.raises(Exception, match="pickle") as raised:
        run(engine, [Task(tasks.return_a_lambda, None)])
    assert isinstance(raised.value.__cause__, WorkerError)


def the_context_is_read_only(engine: Engine) -> None:
    with pytest.raises(ValueError, match="read-only"):
        run(engine, [Task(tasks.write_to_the_context, None)])


def the_deadline_ends_what_is_running(engine: Engine) -> None:
    warm_up(engine)
    begin = time.monotonic()
    work = [Task(tasks.nap, 0.05), *[Task(tasks.hold_the_interpreter, 30)] * 3]
    assert run(engine, work, seconds=0.6) == [0.05, None, None, None]
    assert 0.5 < time.monotonic() - begin < 2
    assert run(engine, [Task(tasks.nap, 0)]) == [0]


def nothing_is_begun_after_the_deadline(engine: Engine, folder: Path) -> None:
    assert run(engine, [Task(tasks.die, folder / "begun")], seconds=-1) == [None]
    assert not (folder / "begun").exists()


def stopped_ends_what_is_running(engine: Engine) -> None:
    warm_up(engine)
    begin = time.monotonic()
    found = run(
        engine,
        [Task(tasks.nap, 0.05), Task(tasks.nap, 30)],
        stopped=lambda: time.monotonic() > begin + 0.5,
    )
    assert found == [0.05, None]
    assert time.monotonic() - begin < 2


def begin(engine: Engine, task: Task) -> Beside:
    return engine.begin(task, deadline=time.monotonic() + PATIENCE_S, stopped=bool)


def finish(engine: Engine, beside: Beside, *, seconds: float = PATIENCE_S) -> object | None:
    engine.finish(beside, deadline=time.monotonic() + seconds, stopped=bool)
    assert beside.ended
    return beside.result


def a_task_beside_runs_does_not_hold_them_up(engine: Engine) -> None:
    warm_up(engine)
    beside = begin(engine, Task(tasks.nap, 1.5))
    assert run(engine, [Task(tasks.nap, 0.01)] * 3) == [0.01] * 3
    assert not beside.ended
    assert finish(engine, beside) == 1.5
    assert run(engine, [Task(tasks.nap, 0.01)] * 3) == [0.01] * 3


def a_task_beside_runs_may_end_during_one(engine: Engine) -> None:
    beside = begin(engine, Task(tasks.nap, 0.1))
    run(engine, [Task(tasks.nap, 0.6)])
    assert beside.ended
    assert beside.result == 0.1


def a_task_beside_runs_can_be_given_up(engine: Engine) -> None:
    beside = begin(engine, Task(tasks.hold_the_interpreter, 30))
    assert finish(engine, beside, seconds=0.2) is None
    assert run(engine, [Task(tasks.nap, 0.01)] * 3) == [0.01] * 3


def a_task_beside_runs_that_kills_is_given_up(engine: Engine, folder: Path) -> None:
    engine.notes.clear()
    beside = begin(engine, Task(tasks.die, folder / "attempts"))
    assert run(engine, [Task(tasks.nap, 0.01)] * 3) == [0.01] * 3
    assert finish(engine, beside) is None
    assert (folder / "attempts").read_text() == "x"
    assert engine.notes[0].startswith("a task was given up: its worker ")


def an_exception_beside_runs_is_raised(engine: Engine) -> None:
    beside = begin(engine, Task(tasks.divide, 0))
    with pytest.raises(ZeroDivisionError):
        finish(engine, beside)
    assert run(engine, [Task(tasks.divide, 2)]) == [0.5]


def a_grown_worker_is_replaced_between_tasks(engine: Engine, limit_mib: int) -> None:
    """Expects one worker."""
    grown = run(engine, [Task(tasks.grow, limit_mib * 5 // 4)])
    assert run(engine, [Task(tasks.process, None)]) != grown
    small = run(engine, [Task(tasks.process, None)])
    assert run(engine, [Task(tasks.grow, 1)]) == small
    assert run(engine, [Task(tasks.process, None)]) == small


def ended(process: int) -> bool:
    """Whether `process` is gone or about to be taken away by its new parent."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state in "ZX"


def eventually(holds: Callable[[], bool], seconds: float) -> bool:
    """Wait until `holds`, and say whether it came to that."""
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.02)
    return holds()
