"""What ``--resume`` takes from the folder of an earlier run: its plan, and its bound."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scheduler.cli.console import fail
from scheduler.cli.reading import plan_of, proof_of

if TYPE_CHECKING:
    from scheduler.model import Plan


@dataclass(frozen=True)
class Earlier:
    """An earlier plan, and what was proven for the same problem."""

    plan: Plan | None = None
    bound_mills: int | None = None
    bound_by: str = ""
    unmet_gpus: int = 0  # the bound holds for plans that leave at most these unmet


def earlier_run(folder: Path | None, digest: str) -> Earlier:
    """Read the folder of an earlier run; what cannot be read ends the command with exit code 2.

    The bound is taken over only if that run's problem has the same digest.
    """
    if folder is None:
        return Earlier()
    if not folder.is_dir():
        fail(f"--resume {folder}: expected a folder that `rackwatt plan` wrote")
    plan = plan_of(folder / "plan.json", None)
    proof = proof_of(folder / "result.json")
    if proof.problem_digest != digest:
        return Earlier(plan)
    return Earlier(plan, proof.bound_mills, proof.bound_by or "", proof.unmet_firm_gpus)
