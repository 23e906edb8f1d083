"""Reads what a verb is given: a folder that ``plan`` wrote, or a site, a workload and a plan."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import typer

from scheduler.cli.console import BAD_INPUT, fail

if TYPE_CHECKING:
    from kernels.backend import BackendName
    from scheduler.inputs import Proof
    from scheduler.model import Offer, Plan, Problem, Site
    from scheduler.report.facts import Recorded
    from scheduler.solve import EngineName

T = TypeVar("T")
ENGINES = ("auto", "local", "ray", "inline")
BACKENDS = ("auto", "cpu", "cuda")
DIR_OR_FILES = "DIR | SITE WORKLOAD PLAN"


def problem_of(site: Path, workload: Path, current: Path | None = None) -> Problem:
    """Read a problem; mistakes are listed on stderr and end the command with exit code 2."""
    from scheduler.inputs import read_problem

    return listing_mistakes(lambda: read_problem(site, workload, current))


def plan_of(path: Path, problem: Problem | None) -> Plan:
    """Read a plan, of `problem` if it is given."""
    from scheduler.inputs import read_plan

    return listing_mistakes(lambda: read_plan(path, problem))


def offers_of(path: Path, problem: Problem) -> tuple[Offer, ...]:
    """Read offers to be placed beside what `problem` holds."""
    from scheduler.inputs import read_offers

    return listing_mistakes(lambda: read_offers(path, problem))


def proof_of(path: Path) -> Proof:
    """Read what an earlier ``result.json`` says is proven."""
    from scheduler.inputs import read_proof

    return listing_mistakes(lambda: read_proof(path))


def site_of(path: Path) -> Site:
    """Read a site alone."""
    from scheduler.inputs import read_site_file

    return listing_mistakes(lambda: read_site_file(path))


def planned(paths: Sequence[Path]) -> tuple[Problem, Plan]:
    """Read a problem and its plan from one folder or from three paths."""
    if len(paths) == 3:
        site, workload, plan = paths
        problem = problem_of(site, workload)
        return problem, plan_of(plan, problem)
    if len(paths) != 1:
        fail(f"expected {DIR_OR_FILES}, got {len(paths)} paths")
    folder = paths[0]
    if not folder.is_dir():
        fail(f"{folder}: expected a folder that `rackwatt plan` wrote")
    current = folder / "current.json"
    running = current if current.exists() else None
    problem = problem_of(folder / "site.json", folder / "workload.json", running)
    return problem, plan_of(folder / "plan.json", problem)


def recorded_in(folder: Path) -> Recorded:
    """Read what a folder says beside its plan: how it was found, why jobs wait, offers."""
    from scheduler.inputs import read_offer_record, read_reasons, read_run_record
    from scheduler.report.facts import Recorded

    return listing_mistakes(
        lambda: Recorded(
            run=read_run_record(folder),
            reasons=read_reasons(folder),
            offer=read_offer_record(folder),
        )
    )


def backend_of(text: str) -> BackendName:
    """Return the name of a backend; anything else ends the command with exit code 2."""
    if text not in BACKENDS:
        fail(f"--backend: expected {', '.join(BACKENDS)}; got {text}")
    return cast("BackendName", text)


def engine_of(text: str) -> EngineName:
    """Return the name of an engine; one that is not there ends the command with exit code 2."""
    if text not in ENGINES:
        fail(f"--engine: expected {', '.join(ENGINES)}; got {text}")
    if text == "ray" and find_spec("ray") is None:
        fail("--engine ray: Ray is not installed (extra ray)")
    return cast("EngineName", text)


def listing_mistakes(read: Callable[[], T]) -> T:
    """Return what `read` returns; mistakes are listed on stderr and end the command."""
    from scheduler.inputs import InputError
    from scheduler.words import clean

    try:
        return read()
    except InputError as error:
        for mistake in error.mistakes:
            print(clean(str(mistake)), file=sys.stderr)
        raise typer.Exit(BAD_INPUT) from None
