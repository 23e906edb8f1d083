"""An offer: a contract that somebody asks for and that is not signed yet."""

from __future__ import annotations

from dataclasses import dataclass

from scheduler.model.workload import Contract, Tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a new customer asks for, as the tenant and the firm contract that it would become.

    Tenant and contract have the offer's name. An offer without a price has a contract at 0.
    """

    name: str
    tenant: Tenant
    contract: Contract
    is_priced: bool
    asked_w: int | None = None  # IT power that was asked for instead of GPUs
    starts: str = ""  # date, year-month-day; empty: at once
    capex_mills_per_gpu_h: int = 0  # capital to recover, for each promised GPU
    credit_permille: int = 0  # part of the fee that is expected to be paid back as SLA credits

    @property
    def gpus(self) -> int:
        """GPUs that are asked for, spares left out."""
        return self.contract.units * self.contract.gpus_per_unit
