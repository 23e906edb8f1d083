"""Offers for tests, built from the model alone, and solvers with a short time limit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scheduler.inputs import read_problem
from scheduler.model import Level, Offer, Problem, Sla
from scheduler.questions.offer import Budget, Solver
from tests import build

EXAMPLES = Path(__file__).parent.parent / "examples"
TINY = tuple(str(EXAMPLES / "tiny" / name) for name in ("site.yaml", "workload.yaml"))


def tiny() -> Problem:
    """The problem that docs/tiny.md works out by hand."""
    return read_problem(*map(Path, TINY))


def offer(
    name: str = "new",
    isolation: Level = Level.HOST,
    *,
    price: int | None = None,
    survives: tuple[str, ...] = (),
    spare: int = 0,
    **fields: Any,
) -> Offer:
    """An offer of one unit of 8 GPUs; `fields` are those of the contract or of the offer."""
    own = {
        key: fields.pop(key)
        for key in ("capex_mills_per_gpu_h", "credit_permille")
        if key in fields
    }
    contract = build.contract(
        name,
        tenant=name,
        price_mills_per_gpu_h=price or 0,
        sla=Sla(survives=survives, spare_permille=spare),
        **fields,
    )
    tenant = build.tenant(name, external=True, isolation=isolation)
    return Offer(name=name, tenant=tenant, contract=contract, is_priced=price is not None, **own)


def tiny_offer(name: str = "gamma", isolation: Level = Level.HOST, **fields: Any) -> Offer:
    """An offer of nodes of the tiny site: 4 GPUs, 1 kW each at peak, half of it on the mean."""
    values: dict[str, Any] = {"gpus_per_unit": 4, "gpu_types": ("demo",), "profile": "steady"}
    return offer(name, isolation, **{**values, **fields})


def solver(time_limit_s: float = 300.0) -> Solver:
    """A solver that tells nobody and is stopped by nobody."""
    return Solver(Budget(time_limit_s, lambda _: None, lambda: False), workers=1)
