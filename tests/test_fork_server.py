"""Workers are forked by a program that has loaded what they need; it may die as they may."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from scheduler.planner.engine import (
    Engine,
    EngineError,
    Task,
    WorkerError,
    fork_server,
    make_engine,
)
from tests import engine_tasks as tasks
from tests.engine_checks import ended, eventually, run


class Unreadable:
    """A context that is handed over well and cannot be taken in."""

    def __reduce__(self) -> tuple[object, tuple[object, int]]:
        return tasks.divide, (None, 0)


def test_what_is_prepared_is_there_once() -> None:
    with make_engine("local", tasks.context(), workers=2, prepare=tasks.prepare) as engine:
        found = run(engine, [Task(tasks.prepared, None)] * 4)
        workers = integers(run(engine, [Task(tasks.process, None)] * 4))
        (server,) = integers(run(engine, [Task(tasks.server, None)] * 2))
    first = found[0]
    assert isinstance(first, list)
    assert found == [first] * 4
    assert len(first) == 1
    assert not workers & {*first, os.getpid()}
    assert server not in first  # who has loaded is gone, with all that was only read meanwhile


def test_what_fails_to_prepare_is_raised_with_its_origin() -> None:
    with (
        make_engine("local", tasks.context(), workers=2, prepare=tasks.prepare_badly) as engine,
        pytest.raises(ZeroDivisionError) as raised,
    ):
        run(engine, [Task(tasks.nap, 0)])
    assert isinstance(raised.value.__cause__, WorkerError)
    assert "in prepare_badly" in str(raised.value.__cause__)


def test_a_context_that_cannot_be_taken_in_is_raised() -> None:
    with (
        make_engine("local", Unreadable(), workers=1) as engine,
        pytest.raises(ZeroDivisionError),
    ):
        run(engine, [Task(tasks.nap, 0)])


def test_workers_outlive_their_server_and_others_come_from_a_new_one(tmp_path: Path) -> None:
    first, later = tmp_path / "first", tmp_path / "later"
    first.mkdir()
    later.mkdir()
    with make_engine("local", tasks.context(), workers=2) as engine:
        workers = met(engine, first)
        (server,) = integers(run(engine, [Task(tasks.server, None)] * 2))
        os.kill(server, signal.SIGKILL)
        assert eventually(lambda: ended(server), 5)
        assert met(engine, later) == workers
        mark = tmp_path / "mark"
        assert run(engine, [Task(tasks.die_once, mark), Task(tasks.nap, 0.0)]) == ["done", 0.0]
        assert engine.notes == ["task 0 is run again: its worker was killed by SIGKILL"]
        (survivor,) = workers & integers(run(engine, [Task(tasks.process, None)]))
        (tmp_path / "last").mkdir()
        last = met(engine, tmp_path / "last")
        assert last & workers == {survivor}
    assert eventually(lambda: all(map(ended, workers | last)), 5)


def test_a_worker_is_ended_also_after_its_server(tmp_path: Path) -> None:
    with make_engine("local", tasks.context(), workers=1) as engine:
        (server,) = integers(run(engine, [Task(tasks.server, None)]))
        os.kill(server, signal.SIGKILL)
        assert eventually(lambda: ended(server), 5)
        file = tmp_path / "pid"
        run(engine, [Task(tasks.write_pid_and_hold, file)], stopped=file.exists)
        assert eventually(lambda: ended(int(file.read_text())), 2)


def met(engine: Engine, folder: Path) -> set[int]:
    """Return the processes of all workers."""
    return integers(run(engine, [Task(tasks.meet, (folder, engine.workers))] * engine.workers))


def integers(found: list[object | None]) -> set[int]:
    """Return what was found, without twins."""
    return {each for each in found if isinstance(each, int)}


def test_workers_that_never_start_end_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fork_server, "PROGRAM", "this")  # a program that ends at once
    with (
        make_engine("local", tasks.context(), workers=2) as engine,
        pytest.raises(EngineError, match="got 3 in a row that did not; the last one ended with"),
    ):
        run(engine, [Task(tasks.nap, 0)] * 4)
