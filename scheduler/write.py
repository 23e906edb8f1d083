"""The files that a plan writes. Each appears whole or not at all."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from scheduler import __version__
from scheduler.model import Finding, Kind, Plan, Problem
from scheduler.node_packing import pack_nodes
from scheduler.words import tightness

if TYPE_CHECKING:
    from scheduler.check import Verdict
    from scheduler.solve import Solution

PLAN_FORMAT = "rackwatt-plan/1"
FINDINGS_FORMAT = "rackwatt-findings/1"
TIGHTEST = 15  # limits per term that findings.json lists


def prepare_folder(folder: Path) -> None:
    """Create `folder` and prove that a file can be written there. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder / f".writable.{os.getpid()}.tmp"
    probe.write_bytes(b"")
    probe.unlink()


def write_solution(
    folder: Path,
    solution: Solution,
    result: Mapping[str, object],
    unplaced: Mapping[str, str],
    inputs: Mapping[str, bytes] | None = None,
) -> None:
    """Write every file of a plan to `folder`: all of them, or none if any cannot be written.

    Parameters
    ----------
    result
        The record of ``scheduler.result``.
    unplaced
        Reason in one line for every job that is not placed in full.
    inputs
        The files of the problem: by default `input_files`, none if they are there already.

    Raises
    ------
    OSError
        The folder cannot be written or the disk is full. Files of an earlier run are kept.
    """
    problem, plan = solution.problem, solution.plan
    placements = placement_rows(problem, plan)
    contents = {
        **(input_files(problem) if inputs is None else inputs),
        "placements.csv": placements_csv(placements),
        "findings.json": as_json(findings_document(solution.verdict, unplaced)),
        "result.json": as_json(result),
        "plan.json": as_json({"format": PLAN_FORMAT, "placements": placements}),
    }
    write_together(folder, contents)
    if problem.current is None:
        (folder / "current.json").unlink(missing_ok=True)


def input_files(problem: Problem) -> dict[str, bytes]:
    """Return the files that hold the problem in full, by name."""
    from scheduler.inputs import site_document, workload_document

    files = {
        "site.json": as_json(site_document(problem.site)),
        "workload.json": as_json(workload_document(problem.workload)),
    }
    if problem.current is not None:
        rows = [
            {"job": job, "rack": rack, "units": units}
            for job, rack, units in problem.current.shards()
        ]
        files["current.json"] = as_json({"format": PLAN_FORMAT, "placements": rows})
    return files


def digest_of(inputs: Mapping[str, bytes]) -> str:
    """Return what tells problems apart: equal only for the same inputs and the same rules.

    Rules change with the version, and what was proven under others is no proof.
    """
    digest = hashlib.sha256(__version__.encode())
    for name, content in sorted(inputs.items()):
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def write_together(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write files so that a full disk changes nothing: first all beside their names, then rename.

    Raises OSError; temporary files are removed then.
    """
    staged: dict[str, Path] = {}
    try:
        for name, content in contents.items():
            staged[name] = folder / f".{name}.{os.getpid()}.tmp"
            with staged[name].open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        for name in contents:
            staged[name].replace(folder / name)
            del staged[name]
    finally:
        for leftover in staged.values():
            leftover.unlink(missing_ok=True)
    _sync_folder(folder)


def placement_rows(problem: Problem, plan: Plan) -> list[dict[str, object]]:
    """Return one row for each job on a rack, with the nodes that it takes there."""
    packed = pack_nodes(problem, plan)
    rows: list[dict[str, object]] = []
    for name, rack, units in sorted(plan.shards()):
        nodes = sorted({use.node for use in packed[rack] if use.job == name})
        gpus = units * problem.jobs[name].gpus_per_unit
        rows.append({"job": name, "rack": rack, "units": units, "gpus": gpus, "nodes": nodes})
    return rows


def placements_csv(rows: list[dict[str, object]]) -> bytes:
    """Return placements as CSV, the nodes separated by spaces."""
    text = io.StringIO()
    writer = csv.DictWriter(text, ("job", "rack", "units", "gpus", "nodes"))
    writer.writeheader()
    for row in rows:
        writer.writerow({key: spreadsheet_cell(value) for key, value in row.items()})
    return text.getvalue().encode("utf-8", "backslashreplace")


def spreadsheet_cell(value: object) -> object:
    """Return a cell that no spreadsheet takes for a formula: such text gets an apostrophe.

    Text that has apostrophes before its formula gets one more, so that reading takes back one.
    """
    if isinstance(value, list):
        return " ".join(map(str, value))
    if isinstance(value, str) and value.lstrip("'")[:1] in ("=", "+", "-", "@", "\t", "\r", "\n"):
        return "'" + value
    return value


def findings_document(verdict: Verdict, unplaced: Mapping[str, str]) -> dict[str, object]:
    """Return what ``findings.json`` holds: what is broken, owed, tight, and not placed."""
    limits: dict[str, list[Finding]] = {}
    for finding in verdict.findings:
        if finding.kind is Kind.LIMIT:
            limits.setdefault(finding.term, []).append(finding)
    owed = [finding for finding in verdict.findings if finding.kind is Kind.OBLIGATION]
    return {
        "format": FINDINGS_FORMAT,
        "limits_looked_at": sum(map(len, limits.values())),
        "broken": [finding_record(finding) for finding in verdict.broken],
        "obligations": [finding_record(finding) for finding in owed],
        "tightest": {
            term: [finding_record(each) for each in sorted(found, key=tightness)[:TIGHTEST]]
            for term, found in limits.items()
        },
        "unplaced": [{"job": job, "reason": reason} for job, reason in unplaced.items()],
    }


def finding_record(finding: Finding) -> dict[str, object]:
    """Return a finding as plain data."""
    return {
        "term": finding.term,
        "kind": str(finding.kind),
        "subject": finding.subject,
        "state": finding.state,
        "amount": finding.amount,
        "limit": finding.limit,
        "unit": finding.unit,
        "violation": finding.violation,
        "jobs": list(finding.jobs),
        "message": finding.message,
    }


def as_json(document: object) -> bytes:
    """Return a document as UTF-8 JSON; an unpaired surrogate stays the escape that it was."""
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode("utf-8", "backslashreplace")


def _sync_folder(folder: Path) -> None:
    """Make the renames durable where the system can (not every file system syncs a folder)."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
