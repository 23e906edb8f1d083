"""Who loses what when racks are out or jobs are capped or shed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kernels.forms import Ints
from scheduler.model import Job, Plan, Problem, slots_per_unit
from scheduler.model.units import PERMILLE, ceil_div


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A contract, or all jobs of a tenant outside contracts."""

    name: str
    tenant: str
    is_contract: bool
    promised_gpus: int  # what is paid for; all that is placed where there is no contract
    held_gpus: int  # spares included
    nodes: int  # that the held GPUs lie on
    price_mills: int  # per GPU-hour; the mean of the jobs of a tenant
    credit_tiers: tuple[tuple[int, int], ...] = ()

    @property
    def node_gpus(self) -> int:
        """GPUs that are lost with one node."""
        return ceil_div(self.held_gpus, max(1, self.nodes))

    @property
    def fee_mills(self) -> int:
        """What the party pays per hour."""
        return self.promised_gpus * self.price_mills


@dataclass(frozen=True, eq=False)
class Effect:
    """What an outage with its power actions does while it lasts."""

    lost_gpus: Ints  # (P,) held GPUs that do not work
    capped_gpus: Ints  # (P,) GPUs that work more slowly
    shed_gpus: int  # of the lost ones, those shed to save power
    lost_mills: int  # value of jobs outside contracts that is not earned, per hour
    harm_mills: int  # the same, and promised GPU-hours of contracts at their price


@dataclass(frozen=True, slots=True)
class _Placed:
    """A job with its GPUs by rack."""

    job: Job
    party: int
    gpus: dict[str, int]
    total: int
    slowed_permille: int  # value that is lost under a cap

    @property
    def is_gang(self) -> bool:
        """Whether it runs in whole or not at all; the inside of a contract is not known."""
        return self.job.contract is None and self.job.min_units == self.job.units

    def stopped(self, hit_gpus: int) -> int:
        """Return the GPUs that stop when some are hit: all where too few are left to go on."""
        needed = 0 if self.job.contract else self.job.min_units * self.job.gpus_per_unit
        left = self.total - hit_gpus
        return self.total if left < needed or left <= 0 else hit_gpus


class Stakes:
    """The parties of a plan, and what hits each of them."""

    def __init__(self, problem: Problem, plan: Plan) -> None:
        self._problem = problem
        self._placed: list[_Placed] = []
        self._on_rack: dict[str, list[int]] = {}
        names: dict[str, int] = {}
        for job in problem.jobs.values():
            racks = plan.units.get(job.name)
            if racks and not problem.is_inside_contract(job):
                party = names.setdefault(job.contract or f"jobs of {job.tenant}", len(names))
                gpus = {rack: units * job.gpus_per_unit for rack, units in racks.items()}
                slowed = _slowed_permille(problem, job)
                self._placed.append(_Placed(job, party, gpus, sum(gpus.values()), slowed))
                for rack in racks:
                    self._on_rack.setdefault(rack, []).append(len(self._placed) - 1)
        self._names = tuple(names)

    @cached_property
    def parties(self) -> tuple[Party, ...]:
        """All parties with GPUs in the plan."""
        return tuple(self._party(number, name) for number, name in enumerate(self._names))

    def effect(
        self, lost: Iterable[str], capped: Iterable[str] = (), shed: Iterable[str] = ()
    ) -> Effect:
        """Return what the loss of racks does, with jobs capped or shed on others.

        A job stops as a whole when less is left than it needs; a gang slows down as a whole.
        """
        num = len(self._names)
        lost_gpus, capped_gpus = np.zeros(num, np.int64), np.zeros(num, np.int64)
        shed_gpus = lost_mills = 0
        gone = self._hit(lost)
        dropped = {p: g for p, g in self._hit(shed).items() if self._action(p) == "shed"}
        for number in {**gone, **dropped}:
            placed = self._placed[number]
            without_shed = placed.stopped(gone.get(number, 0))
            gpus = placed.stopped(gone.get(number, 0) + dropped.get(number, 0))
            lost_gpus[placed.party] += gpus
            shed_gpus += gpus - without_shed
            if placed.job.contract is None:
                lost_mills += gpus * placed.job.value_mills_per_gpu_h
        for number, gpus in self._hit(capped).items():
            placed = self._placed[number]
            if self._action(number) == "cap" and number not in gone and placed.slowed_permille:
                gpus = placed.total if placed.is_gang else gpus
                capped_gpus[placed.party] += gpus
                if placed.job.contract is None:
                    value = gpus * placed.job.value_mills_per_gpu_h * placed.slowed_permille
                    lost_mills += value // PERMILLE
        owed = sum(
            party.price_mills * self.short(number, int(lost_gpus[number]))
            for number, party in enumerate(self.parties)
            if party.is_contract
        )
        return Effect(lost_gpus, capped_gpus, shed_gpus, lost_mills, lost_mills + owed)

    def short(self, party: int, lost_gpus: int) -> int:
        """Return the promised GPUs of a party that are missing."""
        who = self.parties[party]
        return min(who.promised_gpus, max(0, who.promised_gpus - who.held_gpus + lost_gpus))

    def _hit(self, racks: Iterable[str]) -> dict[int, int]:
        """Return the GPUs of every job that some racks take with them, by number of the job."""
        found: dict[int, int] = {}
        for rack in racks:
            for number in self._on_rack.get(rack, ()):
                found[number] = found.get(number, 0) + self._placed[number].gpus[rack]
        return found

    def _action(self, number: int) -> str:
        return self._placed[number].job.power_action

    def _party(self, number: int, name: str) -> Party:
        own = [placed for placed in self._placed if placed.party == number]
        held, nodes = sum(placed.total for placed in own), self._nodes(own)
        first = own[0].job
        if first.contract is None:
            value = sum(placed.total * placed.job.value_mills_per_gpu_h for placed in own)
            return Party(
                name=name,
                tenant=first.tenant,
                is_contract=False,
                promised_gpus=held,
                held_gpus=held,
                nodes=nodes,
                price_mills=value // held,
            )
        return Party(
            name=name,
            tenant=first.tenant,
            is_contract=True,
            promised_gpus=min(first.gpus, held),
            held_gpus=held,
            nodes=nodes,
            price_mills=first.value_mills_per_gpu_h,
            credit_tiers=first.sla.credit_tiers if first.sla else (),
        )

    def _nodes(self, own: list[_Placed]) -> int:
        """Return how many nodes the slots of jobs fill, counted rack by rack."""
        slots: dict[str, int] = {}
        site = self._problem.site
        for placed in own:
            for rack, gpus in placed.gpus.items():
                units = gpus // placed.job.gpus_per_unit
                rack_type = site.type_of(site.racks[rack])
                slots[rack] = slots.get(rack, 0) + units * slots_per_unit(placed.job, rack_type)
        return sum(
            ceil_div(taken, site.type_of(site.racks[rack]).gpus_per_node)
            for rack, taken in slots.items()
        )


def _slowed_permille(problem: Problem, job: Job) -> int:
    """Value that a cap takes, as that of power: ``1 - cap / peak``, rounded up [A]."""
    peak = problem.profile_of(job).peak_permille
    if job.power_action != "cap" or peak == 0:
        return 0
    return ceil_div((peak - problem.acted_permille(job)) * PERMILLE, peak)
