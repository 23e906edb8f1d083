"""A rich site that a plan just fills, and single faults in it, each with what must be said of it.

Watts, kelvins and GPUs are round, so every amount below can be added up by hand:

======  ==============  ======  ========================================  =======  =======
array   feeds           racks   work                                      peak kW  acted kW
======  ==============  ======  ========================================  =======  =======
A1      u1 and u2       4       acme, 12 units of 4 GPUs                  8 + 48   8 + 48
A2      u2 and u3       4       beta 16, tune 16 GPUs, lab and class 8    8 + 40   8 + 24
A3      u3 and u1       4       pretrain 48, chat 24, gamma 16 GPUs       8 + 88   8 + 25.6
A4      pdu1 (u1, u2)   n1 n2   moe 12 and decode 4 GPUs of 2 kW          8 + 32   8 + 12.8
A4      u1 and u2       x1 x2   batch and archive, 8 GPUs of 0.5 kW each  2 + 8    2 + 4
--      u1 and u2       --      switches of hall H1                       6        6
======  ==============  ======  ========================================  =======  =======

u1 carries 28 + 48 + 20 + 5 + 3 = 104 kW. After losing u2 it carries 56 + 48 + 40 + 10 + 6 = 160 kW
until jobs act, then 56 + 33.6 / 2 + 20.8 + 6 + 6 = 105.6 kW; after losing u3 152 and 78 kW.
Loop L1 (80 % of A1 and A2) takes 83.2 kW; L2 76.8 + 90 % of 40 = 112.8 kW, 45.6 after the action.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from scheduler.model import (
    BaseLoad,
    Conflict,
    Finding,
    Hall,
    Level,
    Loop,
    Plan,
    PowerNode,
    Prices,
    Problem,
    Rack,
    Recirculation,
    Sla,
    Weather,
)
from scheduler.words import quantity
from tests import build

PLAN = Plan(
    {
        "acme-block": {"a1-1": 3, "a1-2": 3, "a1-3": 3, "a1-4": 3},
        "acme-train": {"a1-1": 3, "a1-2": 3},
        "beta-racks": {"a2-1": 1, "a2-2": 1},
        "tune": {"a2-4": 2},
        "lab-books": {"a2-4": 2},
        "class-books": {"a2-4": 3},
        "pretrain": {"a3-1": 3, "a3-2": 3},
        "chat": {"a3-3": 2, "a3-4": 1},
        "gamma-api": {"a3-4": 2},
        "moe": {"n1": 3},
        "decode": {"n2": 1},
        "batch": {"x1": 2},
        "archive": {"x2": 1},
    }
)


def problem() -> Problem:
    """Return the site with its work; the plan runs already."""
    racks = [
        *_row("a1", "A1", ("u1", "u2"), hall="H1", pod="P1", loop="L1"),
        *_row("a2", "A2", ("u2", "u3"), hall="H1", pod="P1", loop="L1"),
        *_row("a3", "A3", ("u3", "u1"), hall="H2", pod="P2", loop="L2"),
        *(_a4(name, "nvl", ("pdu1",), loop="L2") for name in ("n1", "n2")),
        *(_a4(name, "air", ("u1", "u2"), loop=None) for name in ("x1", "x2")),
    ]
    nodes = [
        PowerNode(name="grid-a", kind="utility", rating_w=280_000),
        PowerNode(name="grid-b", kind="utility", rating_w=280_000),
        *(_ups(name, 108_000 if name == "u1" else 110_000) for name in ("u1", "u2", "u3")),
        PowerNode(name="pdu1", kind="pdu", parents=("u1", "u2"), rating_w=60_000),
    ]
    nodes[4] = replace(nodes[4], swing_limit_w=20_000)
    site = build.site(
        racks,
        rack_types={each.name: each for each in _rack_types()},
        halls={
            "H1": Hall(name="H1", supply_mc=22_000, inlet_limit_mc=27_000, air_cooling_w=32_000),
            "H2": Hall(
                name="H2", supply_mc=22_000, inlet_limit_mc=27_000, recirculation=_recirculation()
            ),
        },
        power_nodes={node.name: node for node in nodes},
        loops={
            "L1": _loop("L1", "H1", units=3, spare_units=1, unit_w=45_000, limit_mc=43_000),
            "L2": _loop("L2", "H2", units=2, spare_units=0, unit_w=62_000, limit_mc=48_000),
        },
        base_loads=(BaseLoad(name="switches", hall="H1", feeds=("u1", "u2"), power_w=6_000),),
        failure_kinds=("utility", "ups", "cdu"),
        weather=(
            Weather(name="mild", dry_bulb_mc=20_000, wet_bulb_mc=15_000),
            Weather(name="hot", dry_bulb_mc=36_000, wet_bulb_mc=26_000),
        ),
        prices=Prices(move_mills_per_gpu=50),
        site_swing_limit_w=44_000,
    )
    tenants = [
        build.tenant("acme", external=True, isolation=Level.ARRAY),
        build.tenant("beta", external=True, isolation=Level.RACK),
        build.tenant(
            "gamma", external=True, conflicts=(Conflict(tenant="beta", level=Level.ARRAY),)
        ),
        build.tenant("delta", isolation=Level.RACK),
        build.tenant("research"),
        build.tenant("lab", isolation=Level.SHARED_HOST),
        build.tenant("class", isolation=Level.SHARED_HOST),
    ]
    sla = Sla(survives=("rack", "ups"), spare_permille=125)
    contracts = [
        build.contract("acme-block", tenant="acme", units=8, gpus_per_unit=4, sla=sla),
        build.contract("beta-racks", tenant="beta", units=2, firm=False),
    ]
    return build.problem(site, _jobs(), tenants, contracts, current=PLAN)


def _row(letter: str, array: str, feeds: tuple[str, ...], **fields: Any) -> list[Rack]:
    return [build.rack(f"{letter}-{n}", array=array, feeds=feeds, **fields) for n in range(1, 5)]


def _a4(name: str, rack_type: str, feeds: tuple[str, ...], loop: str | None) -> Rack:
    return build.rack(name, type=rack_type, feeds=feeds, hall="H2", array="A4", pod="P2", loop=loop)


def _ups(name: str, rating_w: int) -> PowerNode:
    """A UPS on grid-a that moves to grid-b; it bears 160 % for the 5 s until jobs have acted."""
    parents = ("grid-a", "grid-b")
    return build.ups(
        name, rating_w, parents=parents, mode="transfer", emergency_permille=1600, emergency_s=10
    )


def _rack_types() -> list[Any]:
    """1, 2 and 0.5 kW for each GPU above the idle rack."""
    peak = {"nameplate_w": 40_000, "percentile_w": 20_000}
    return [
        build.rack_type("hgx", nodes=3, idle_w=2_000, **peak | {"observed_peak_w": 26_000}),
        build.rack_type(
            "nvl",
            gpu_type="gb200",
            nodes=4,
            gpus_per_node=4,
            nvlink_domain=Level.RACK,
            idle_w=4_000,
            liquid_permille=900,
            flow_mlpm=40_000,
            gpu_peak_w=1_200,
            r_th_mk_per_w=25,
            **peak | {"observed_peak_w": 36_000},
        ),
        build.rack_type(
            "air",
            gpu_type="a100",
            idle_w=1_000,
            liquid_permille=0,
            gpu_peak_w=400,
            r_th_mk_per_w=100,
            **peak | {"observed_peak_w": 9_000},
        ),
    ]


def _recirculation() -> tuple[Recirculation, ...]:
    """Each rack of A3 breathes 0.5 K per kW of its own air heat and 0.2 K of a neighbour's."""
    near = {0: 500_000, 1: 200_000}
    row = [
        Recirculation(rack=f"a3-{r}", source=f"a3-{s}", nk_per_w=near[abs(r - s)])
        for r in range(1, 5)
        for s in range(1, 5)
        if abs(r - s) in near
    ]
    return (*row, Recirculation(rack="x1", source="x1", nk_per_w=600_000))


def _loop(name: str, hall: str, limit_mc: int, **fields: int) -> Loop:
    return Loop(
        name=name,
        hall=hall,
        unit_flow_mlpm=100_000,
        supply_mc=30_000,
        approach_mk=4_000,
        return_limit_mc=limit_mc,
        **fields,
    )


def _jobs() -> list[Any]:
    def job(name: str, tenant: str, units: int, gpus: int, least: int, **fields: Any) -> Any:
        return build.job(
            name, tenant=tenant, units=units, gpus_per_unit=gpus, min_units=least, **fields
        )

    return [
        job("acme-train", "acme", 8, 4, 4, profile="sync"),
        job(
            *("pretrain", "research", 6, 8, 6),
            gpu_types=("h100", "gb200"),
            profile="sync",
            power_action="shed",
            required=Level.POD,
        ),
        job(
            *("chat", "research", 4, 8, 2),
            power_action="cap",
            spread_level=Level.RACK,
            spread_max_units=2,
            within=("H2",),
        ),
        job(
            *("tune", "research", 2, 8, 2),
            profile="sync",
            power_action="shed",
            preferred=Level.ARRAY,
            slowdown_permille=100,
        ),
        job("gamma-api", "gamma", 3, 8, 1),
        job("lab-books", "lab", 3, 1, 1),
        job("class-books", "class", 3, 2, 1),
        job(
            *("moe", "research", 3, 4, 3),
            gpu_types=("gb200",),
            power_action="cap",
            required=Level.NVLINK,
        ),
        job("decode", "research", 4, 4, 1, gpu_types=("gb200",), power_action="cap"),
        job("batch", "research", 4, 4, 1, gpu_types=("a100",), power_action="shed"),
        job("archive", "delta", 3, 8, 1, gpu_types=("a100", "h100")),
    ]


Case = tuple[Problem, Plan]
Change = Callable[[Case], Case]


@dataclass(frozen=True)
class Said:
    """A finding that must be there."""

    term: str
    subject: str
    amount: int
    limit: int
    unit: str
    state: str = "normal"

    @staticmethod
    def of(finding: Finding) -> Said:
        """Return what a table says of `finding`."""
        amounts = finding.amount, finding.limit, finding.unit
        return Said(finding.term, finding.subject, *amounts, finding.state)

    @property
    def breaks(self) -> bool:
        """Whether a limit or an obligation is broken: the other findings inform."""
        return self.unit != "mills/h" and self.term != "sla_survival"

    @property
    def line(self) -> str:
        """How the command line prints it: subject, state, amount and limit with their units."""
        amount, limit = quantity(self.amount, self.unit), quantity(self.limit, self.unit)
        if self.term == "firm_contracts":
            return f"{self.term}: {self.subject}: {self.amount} of {limit}"
        return f"{self.term}: {self.subject} ({self.state}): {amount}, limit {limit}"


@dataclass(frozen=True)
class Fault:
    """One change, all that is wrong after it, and words that must name it."""

    name: str
    change: Change
    said: tuple[Said, ...]
    words: str

    def planted(self) -> Case:
        """Return problem and plan with the fault."""
        return self.change((problem(), PLAN))


def more(job: str, rack: str, units: int = 1) -> Change:
    """Units more (or fewer) of a job on a rack."""

    def change(case: Case) -> Case:
        units_on = dict(case[1].units[job])
        units_on[rack] = units_on.get(rack, 0) + units
        kept = {name: count for name, count in units_on.items() if count}
        return case[0], Plan({**case[1].units, job: kept})

    return change


def moved(job: str, source: str, target: str) -> Change:
    """One unit of a job on another rack."""
    return lambda case: more(job, target)(more(job, source, -1)(case))


def site(**fields: Any) -> Change:
    """Other figures of the site itself."""
    return lambda case: (replace(case[0], site=replace(case[0].site, **fields)), case[1])


def record(section: str, name: str, **fields: Any) -> Change:
    """Other figures of one record of the site or the workload."""

    def change(case: Case) -> Case:
        part = "site" if hasattr(case[0].site, section) else "workload"
        owner = getattr(case[0], part)
        records: Mapping[str, Any] = getattr(owner, section)
        records = {**records, name: replace(records[name], **fields)}
        return replace(case[0], **{part: replace(owner, **{section: records})}), case[1]

    return change


def space(rack: str, nodes: int, usable: int) -> Said:
    """Nodes on a rack."""
    return Said("rack_capacity", rack, nodes, usable, "nodes")


def misfit(job: str, units: int) -> Said:
    """Units on hardware that does not suit them."""
    return Said("hardware_fit", job, units, 0, "units")


def normal(node: str, load_w: int, limit_w: int) -> Said:
    """Load of a power node while nothing has failed."""
    return Said("power_normal", node, load_w, limit_w, "W")


def lost(node: str, load_w: int, limit_w: int, *failed: str, before: bool = False) -> Said:
    """Load of a power node after a loss, or before jobs have acted on it."""
    state = f"loss of {' and '.join(failed)}{' (before action)' if before else ''}"
    return Said("power_failover", node, load_w, limit_w, "W", state)


def pairs(term: str, domain: str, count: int = 1) -> Said:
    """Tenants that share a domain and may not."""
    return Said(term, domain, count, 0, "tenant pairs")


def owed(gpus: int) -> Said:
    """GPUs of acme's contract that count, of 32."""
    return Said("firm_contracts", "acme-block", gpus, 32, "GPUs")


def money(term: str, subject: str, mills: int) -> Said:
    """A sum that counts towards the margin."""
    return Said(term, subject, mills, 0, "mills/h")
