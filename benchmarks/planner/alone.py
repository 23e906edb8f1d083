"""A run in a process of its own, with the memory of that process and all that it starts.

Peak memory is the largest sum over the processes of the run's session, sampled every 0.2 s. Pages
that several of them share count once: with more than one process their proportional set sizes
are added. Where /proc does not say, it is the peak that the run reports of itself.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.main_job import PROJECT
from benchmarks.planner.cases import Record

SAMPLE_S = 0.2
PATIENCE = 3  # times the limit, and a minute, after which a run counts as hung


def run_alone(case: Record) -> Record:
    """Return the record of a case, or the case with an `error`."""
    command = [sys.executable, "-m", "benchmarks.planner.measure", json.dumps(case)]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(
            command, cwd=PROJECT, stdout=out, stderr=err, start_new_session=True
        )
        try:
            peak_mib = _watch(process, case["time_limit_s"] * PATIENCE + 60)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        out.seek(0)
        err.seek(0)
        lines = out.read().decode().splitlines()
        said = err.read().decode(errors="replace").strip().splitlines() or ["no message"]
    if process.returncode or not lines:
        return {**case, "error": f"exit {process.returncode}: {said[-1]}"}
    record: Record = json.loads(lines[-1])
    record["peak_rss_mib"] = round(max(peak_mib, record["peak_rss_mib"]), 1)
    return record


def _watch(process: subprocess.Popen[bytes], patience_s: float) -> float:
    """Wait for a process; return the most memory that its session held, in MiB."""
    peak_mib, waited_s = 0.0, 0.0
    while waited_s < patience_s:
        try:
            process.wait(SAMPLE_S)
            break
        except subprocess.TimeoutExpired:
            waited_s += SAMPLE_S
            peak_mib = max(peak_mib, session_mib(process.pid))
    return peak_mib


def session_mib(session: int) -> float:
    """Return the memory of all processes of a session, 0.0 where /proc does not say."""
    members = [each for each in Path("/proc").glob("[0-9]*") if _session_of(each) == session]
    if len(members) == 1:
        return _kib(members[0] / "status", "VmRSS:") / 1024
    return sum(_kib(each / "smaps_rollup", "Pss:") for each in members) / 1024


def _session_of(process: Path) -> int | None:
    try:
        stat = (process / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:  # it has ended
        return None
    after_name = stat.rpartition(")")[2].split()  # the name may hold anything
    return int(after_name[3])


def _kib(file: Path, label: str) -> int:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(label)), 0)
