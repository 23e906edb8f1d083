"""From files to a problem: the one entrance for everything that people and programs write."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from scheduler.inputs.document import Document
from scheduler.inputs.expand import expand_site
from scheduler.inputs.explicit import (
    SITE_FORMAT,
    WORKLOAD_FORMAT,
    is_explicit,
    read_site,
    read_workload,
)
from scheduler.inputs.mistakes import Mistakes
from scheduler.inputs.plan_file import read_plan_into
from scheduler.inputs.site_checks import validate_site
from scheduler.inputs.site_file import SiteFile
from scheduler.inputs.site_salvage import sound_part
from scheduler.inputs.site_tables import SITE_NAMES, read_site_folder
from scheduler.inputs.validation import validate
from scheduler.inputs.workload_build import build_workload
from scheduler.inputs.workload_tables import read_workload_folder, with_tables
from scheduler.model import Problem, Site, Workload

WORKLOAD_NAMES = ("workload.yaml", "workload.yml", "workload.json")


def read_problem(site: Path, workload: Path, current: Path | None = None) -> Problem:
    """Read a site, a workload and, on a live site, the plan that runs now.

    Each is a YAML or JSON file, short or explicit, or a folder that holds such a file or tables.

    Raises
    ------
    InputError
        With every mistake that was found in all files.
    """
    mistakes = Mistakes()
    with _collector_paused():
        found_site = _read_site(Path(site), mistakes)
        found_workload = _read_workload(Path(workload), mistakes, found_site)
    problem = None
    if found_site and found_workload:
        problem = Problem(site=found_site, workload=found_workload)
    plan = None if current is None else read_plan_into(Path(current), problem, mistakes)
    mistakes.raise_if_any()
    assert problem, "a reader that gives up says why"
    return problem if plan is None else replace(problem, current=plan)


def read_site_file(path: Path) -> Site:
    """Read a site alone.

    Raises
    ------
    InputError
        With every mistake.
    """
    mistakes = Mistakes()
    site = _read_site(Path(path), mistakes)
    mistakes.raise_if_any()
    assert site, "a reader that gives up says why"
    return site


def _read_site(path: Path, mistakes: Mistakes) -> Site | None:
    if path.is_dir():
        if (path / "racks.csv").exists():
            return read_site_folder(path, mistakes)
        path = _inside(path, SITE_NAMES)
    document = Document.load(path, mistakes)
    if document is None:
        return None
    if is_explicit(document, SITE_FORMAT):
        return read_site(document.data, document, mistakes)
    before = len(mistakes)
    site_file = validate(SiteFile, document, mistakes) or sound_part(document.data)
    site = (
        None if site_file is None else expand_site(site_file, mistakes=mistakes, document=document)
    )
    if site is not None and len(mistakes) == before:
        validate_site(site, mistakes, document)
    return site if len(mistakes) == before else None


def _read_workload(path: Path, mistakes: Mistakes, site: Site | None) -> Workload | None:
    if path.is_dir():
        if (path / "jobs.csv").exists() and not _inside(path, WORKLOAD_NAMES).exists():
            content, place, gaps = read_workload_folder(path, mistakes)
            return build_workload(content, place, mistakes, site, gaps)
        path = _inside(path, WORKLOAD_NAMES)
    document = Document.load(path, mistakes)
    if document is None:
        return None
    if is_explicit(document, WORKLOAD_FORMAT):
        return read_workload(document.data, document, mistakes, site)
    before = len(mistakes)
    content, place, gaps = with_tables(document, mistakes)
    workload = build_workload(content, place, mistakes, site, gaps)
    return workload if len(mistakes) == before else None


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Reading makes millions of objects and no cycles; looking for cycles would double its time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _inside(folder: Path, names: tuple[str, ...]) -> Path:
    return next((folder / name for name in names if (folder / name).exists()), folder / names[0])
