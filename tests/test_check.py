"""`check` finds every single fault that is planted in a valid plan, names it, and stands alone.

The plan stands in ``tests/planted.py``, the list of faults in ``tests/planted_faults.py``.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from typer.testing import CliRunner

from scheduler.check import Verdict, check
from scheduler.cli.app import app
from scheduler.inputs import read_problem, site_document, workload_document
from scheduler.model import Finding, Kind, Plan, Problem
from scheduler.terms import TERMS
from scheduler.write import as_json
from tests.planted import PLAN, Fault, Said, problem
from tests.planted_faults import FAULTS
from tests.random_problems import random_plan

PROJECT = Path(__file__).resolve().parent.parent
TINY = PROJECT / "examples" / "tiny"


def sums(verdict: Verdict) -> set[Finding]:
    """Return the findings that count towards the margin."""
    return {finding for finding in verdict.findings if finding.kind is Kind.MONEY}


def printed(faulty: Problem, plan: Plan, folder: Path) -> str:
    """Return what ``rackwatt check`` prints of the same problem and plan, on one line."""
    placements = [{"job": job, "rack": rack, "units": n} for job, rack, n in plan.shards()]
    documents = {
        "site.json": site_document(faulty.site),
        "workload.json": workload_document(faulty.workload),
        "plan.json": {"placements": placements},
    }
    for name, document in documents.items():
        (folder / name).write_bytes(as_json(document))
    done = CliRunner().invoke(app, ["check", str(folder)])
    assert done.exit_code == (0 if check(faulty, plan).checked else 1), done.output
    return " ".join(done.output.split())


def test_the_plan_is_valid_before_anything_is_planted() -> None:
    verdict = check(problem(), PLAN)
    assert verdict.checked
    assert (verdict.broken, verdict.violation, verdict.unmet_firm_gpus) == ((), 0, 0)
    spoken = {finding.term for finding in verdict.findings}
    silent = {"gpu_temperature"}  # it speaks of GPUs that are too hot alone
    assert spoken == {*(term.name for term in TERMS), "units"} - silent


def test_the_table_covers_every_rule() -> None:
    assert len(FAULTS) >= 30
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    hit = {said.term for fault in FAULTS for said in fault.said}
    assert hit == {*(term.name for term in TERMS), "units"}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_planted_fault_is_found_and_named(fault: Fault, tmp_path: Path) -> None:
    """All that is wrong is in the table and nothing else; the command prints it in plain words."""
    faulty, plan = fault.planted()
    verdict = check(faulty, plan)
    found = {Said.of(finding): finding for finding in verdict.findings}
    assert set(fault.said) <= found.keys()
    wrong = {said for said, finding in found.items() if finding.violation or finding.unmet}
    assert wrong == {said for said in fault.said if said.breaks}
    if not wrong:
        news = {Said.of(each) for each in sums(verdict) - sums(check(problem(), PLAN))}
        assert news == set(fault.said)
    assert any(fault.words in found[said].message for said in fault.said)
    text = printed(faulty, plan, tmp_path)
    for said in wrong:
        assert said.line in text
    assert not wrong or fault.words in text


# Everything that planner, kernels and topology stand on is gone or refuses before `check` runs.
ALONE = """
import sys, types
nowhere = types.ModuleType("nowhere")  # whatever is asked of it raises AttributeError
sys.modules |= {"networkx": nowhere, "ortools": None, "cupy": None}
import scheduler.check
from scheduler.terms import TERMS
from tests.test_check import fingerprints

for name, module in list(sys.modules.items()):
    if name.startswith(("kernels", "scheduler.terms", "scheduler.topology")):
        for attribute, value in list(vars(module).items()):
            home = getattr(value, "__module__", None) or getattr(value, "__name__", "")
            if home.startswith(("kernels", "numpy", "scheduler.topology")):
                setattr(module, attribute, nowhere)
for term in TERMS:
    type(term).compile = None
print(*fingerprints())
print(*(name for name in sys.modules if name.startswith(FORBIDDEN)))
"""
FORBIDDEN = (
    *("kernels.reference", "kernels.moves", "kernels.ledgers", "kernels.backend"),
    *("scheduler.compile", "scheduler.evaluate", "scheduler.solve", "scheduler.planner"),
)


def fingerprints() -> list[str]:
    """Return every word that `check` says of the plans here and of some on the tiny example."""
    cases = [(problem(), PLAN), *(fault.planted() for fault in FAULTS)]
    small = read_problem(TINY / "site.yaml", TINY / "workload.yaml")
    cases += [(small, random_plan(small, Random(seed))) for seed in range(5)]
    words = [repr(check(*case).findings) for case in cases]
    return [hashlib.sha256(each.encode()).hexdigest() for each in words]


def test_check_shares_no_code_with_arrays_kernels_and_planner() -> None:
    code = ALONE.replace("FORBIDDEN", repr(FORBIDDEN))
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == [" ".join(fingerprints()), ""], done.stderr
