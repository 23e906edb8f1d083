"""Large compiled problems in the likeness of real sites, with a plan, as arrays at once.

Halls of up to 2,048 racks; arrays of 8; cells of 16 that share air and a loop; 8 UPS a hall, of
which every group of 128 racks hangs on two; every state of a lost UPS. Three kinds of racks, 24
power profiles, 128 tenants of which some are alone in their racks or arrays, gangs that pay for
every further array, jobs that survive the loss of a rack or a UPS. The plan fills the racks in
order; limits are then set around its loads, so that `severity` says how many bind.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from kernels import reference
from kernels.forms import (
    NONE,
    UNLIMITED,
    AssignmentCost,
    Compiled,
    Form,
    GroupCount,
    GroupPresence,
    Index,
    Ints,
    LinearLoad,
    Packing,
    Rows,
    Shards,
    Units,
)

SEVERITIES = {"normal": (0.01, 0.0), "tight": (0.30, 0.0), "broken": (0.30, 0.50)}
HALL, SIGNATURE, CELL, ARRAY, UPS = 2048, 128, 16, 8, 8
TENANTS, PROFILES, KINDS = 128, 24, 3
NODES, SLOTS = np.array([8, 8, 18]), np.array([8, 8, 4])  # of a rack and of a node, by kind
GANG_SHARE, ABSENT_SHARE = 0.04, 0.02
Rng = np.random.Generator
_RowList = list[tuple[Ints, Ints | None]]  # racks of each row, and their weights if not 1


@dataclass(frozen=True)
class _Work:
    """Jobs and where they lie."""

    tenant: Ints  # (J,)
    profile: Ints  # (J,)
    units: Ints  # (J,) nodes
    is_gang: np.ndarray  # (J,)
    shards: Shards


def synthetic(
    racks: int, jobs: int, *, seed: int = 0, severity: str = "normal", cell: int = CELL
) -> tuple[Compiled, Shards]:
    """Return a problem of so many racks and jobs, and a plan for it.

    Parameters
    ----------
    severity : {"normal", "tight", "broken"}
        Share of rows within reach of one shard (1 %, 30 %, 30 %), and above (none, none, half).
    cell : int
        Racks that share air. Cells of many racks are more than the fast sweep can hold.
    """
    rng = np.random.default_rng(seed)
    kind = np.searchsorted((16, 18), np.arange(racks) // CELL % 20, side="right").astype(np.int32)
    work = _work(rng, kind, racks, jobs)
    forms: list[Form] = [
        *_linear(rng, work, kind, severity, cell),
        _packing(work, kind),
        *_presence(rng, work, kind),
        *_counts(rng, work, racks),
        *_assignment(rng, work, kind),
    ]
    order = np.argsort([isinstance(form, LinearLoad) for form in forms], kind="stable")
    units = work.units
    compiled = Compiled(
        job_names=tuple(f"job-{j}" for j in range(jobs)),
        rack_names=tuple(f"R{r:05}" for r in range(racks)),
        units=Units(units, units, units, np.zeros(jobs, np.int64)),
        forms=tuple(forms[n] for n in order),
    )
    return compiled, work.shards


def _work(rng: Rng, kind: Index, racks: int, jobs: int) -> _Work:
    """Fill the racks in order, tenant by tenant; gangs take whole racks."""
    tenant = np.sort(rng.integers(0, TENANTS, jobs))
    is_gang = rng.random(jobs) < GANG_SHARE
    absent = rng.random(jobs) < ABSENT_SHARE
    room = int(NODES[kind].sum() * 0.95)
    pieces = np.where(is_gang, rng.integers(4, 17, jobs), 1)  # racks of a gang
    spare = max(1, room - int(pieces[is_gang & ~absent].sum()) * 8) // max(1, jobs)
    units = np.where(is_gang, 8 * pieces, rng.integers(1, max(2, min(7, 2 * spare)), jobs))
    placed: list[tuple[int, int, int]] = []
    rack, free = 0, int(NODES[kind[0]])
    alone = _level(tenant)
    for j in range(jobs):
        if absent[j]:
            continue
        if j and tenant[j] != tenant[j - 1] and alone[j] + alone[j - 1]:
            rack, free = -(-(rack + 1) // ARRAY) * ARRAY, 0
            rack -= 1
        left = int(units[j])
        while left:
            want = min(left, 8)
            while free < want and rack + 1 < racks:
                rack += 1
                free = int(NODES[kind[rack]])
            if free < want:
                break
            placed.append((j, rack, want))
            free -= want
            left -= want
        if left:
            break
    complete = [each for each in placed if not (left and each[0] == j)]
    columns = np.array(complete, np.int64).reshape(-1, 3).T
    profile = rng.integers(0, PROFILES, jobs)
    return _Work(tenant, profile, units.astype(np.int64), is_gang, Shards.build(*columns))


def _level(tenant: Ints) -> Ints:
    """Isolation of tenants: 2 alone in their arrays, 1 alone in their racks, else 0."""
    return np.where(tenant % 8 == 0, 2, np.where(tenant % 4 == 1, 1, 0))


def _linear(rng: Rng, work: _Work, kind: Index, severity: str, cell: int) -> list[LinearLoad]:
    """Power, loops, return and inlet temperature, swing; limits follow the plan."""
    racks = len(kind)
    watts = np.sort(rng.integers(4_000, 12_000, (PROFILES, KINDS)), axis=0)[work.profile]
    capped = (watts * np.where(work.profile % 3 == 0, 10, 6)[:, None]) // 10
    liquid, swing = watts * 85 // 100, watts * (work.is_gang[:, None]) // 9
    all_racks = np.arange(racks)
    hall, signature, array = all_racks // HALL, all_racks // SIGNATURE, all_racks // ARRAY
    first, second = signature % UPS, (signature % UPS + 1 + signature // UPS % 3) % UPS
    normal: _RowList = [(all_racks[array == a], None) for a in np.unique(array)]
    normal *= 2
    failed: _RowList = []
    for h in np.unique(hall).tolist():
        own = all_racks[hall == h]
        for u in range(UPS):
            on = own[(first[own] == u) | (second[own] == u)]
            normal.append((on, None))
            for f in range(UPS):
                partner = on[(first[on] == f) | (second[on] == f)]
                if f != u and len(partner):
                    failed.append((on, 1 + np.isin(on, partner)))
    normal += [(all_racks, None)] * 2
    loops: _RowList = [(all_racks[all_racks // CELL == c], None) for c in range(-(-racks // CELL))]
    loops += [(all_racks[hall == h], None) for h in np.unique(hall)] * 2
    air: _RowList = []
    for r in range(racks):
        near = np.arange(r // cell * cell, min(racks, (r // cell + 1) * cell))
        air.append((near, np.maximum(7_000 - 800 * np.abs(near - r), 40)))
    return [
        _load(rng, work, severity, *each)
        for each in (
            ("power_normal", "W", 2, kind, watts, normal),
            ("power_failover", "W", 2, kind, capped, failed),
            ("cooling_loops", "W", 1, kind, liquid, loops),
            ("cooling_loops", "W", 1, kind, capped, loops),
            ("return_temperature", "W", 1, kind, liquid, loops),
            ("power_swing", "W", 1, kind, swing, [(all_racks, None)]),
            ("inlet_temperature", "nK", 1, kind, watts, air),
        )
    ]


def _load(
    rng: Rng,
    work: _Work,
    severity: str,
    term: str,
    unit: str,
    scale: int,
    kind: Index,
    demand: Ints,
    rows: _RowList,
) -> LinearLoad:
    start = np.cumsum([0, *(len(on) for on, _ in rows)], dtype=np.int64)
    rack = np.concatenate([on for on, _ in rows]).astype(np.int32)
    weight = np.concatenate([np.ones(len(on), np.int64) if w is None else w for on, w in rows])
    count = len(rows)
    names = tuple(f"{term}-{i}" for i in range(count))
    form = LinearLoad(
        term=term,
        unit=unit,
        scale=scale,
        kind_of_rack=kind,
        demand=demand,
        rows=Rows(start, rack, weight.astype(np.int64)),
        base=rng.integers(0, 1000, count),
        limit=np.full(count, UNLIMITED),
        subject=names,
        state=("normal",) * count,
    )
    load = reference.row_load(form, work.shards)
    reach = np.maximum.reduceat(weight, start[:-1]) * int(demand.max()) * 8  # of one shard
    near, above = SEVERITIES[severity]
    chance = rng.random(count)
    slack = np.where(chance < near, rng.random(count) * reach, reach * (2 + 4 * rng.random(count)))
    slack = np.where(chance > 1 - above, -rng.random(count) * reach, slack)
    return replace(form, limit=load + slack.astype(np.int64))


def _packing(work: _Work, kind: Index) -> Packing:
    return Packing(
        term="rack_capacity",
        kind_of_rack=kind,
        size=np.repeat(SLOTS[None], len(work.units), axis=0),
        group_of_job=work.tenant.astype(np.int32),
        bin_size=SLOTS[kind],
        bins=NODES[kind],
        subject=tuple(f"R{r:05}" for r in range(len(kind))),
    )


def _presence(rng: Rng, work: _Work, kind: Index) -> list[GroupPresence]:
    racks, level = np.arange(len(kind)), _level(np.arange(TENANTS))
    gang = np.full(len(work.units), NONE, np.int32)
    gang[work.is_gang] = np.arange(int(work.is_gang.sum()))
    gangs, many = int(work.is_gang.sum()), np.full(TENANTS, UNLIMITED)
    forms = []
    for name, domain, least in (("array", racks // ARRAY, 2), ("rack", racks, 1)):
        share = (level[:, None] < least) & (level[None, :] < least) | np.eye(TENANTS, dtype=bool)
        forms.append(_present("isolation", name, domain, work.tenant, share, many, many, many * 0))
    one, none = np.ones(gangs, np.int64), np.zeros(gangs, np.int64)
    price = rng.integers(0, 90_000, gangs)
    most = np.where(rng.random(gangs) < 0.5, 4, UNLIMITED)
    forms.append(_present("gpu_type", "gpu type", kind, gang, None, one, one, none))
    forms.append(_present("locality", "array", racks // ARRAY, gang, None, most, one, price))
    forms.append(_present("locality", "pod", racks // SIGNATURE, gang, None, one, one, none))
    return forms


def _present(
    term: str,
    level: str,
    domain: Ints | Index,
    group: Ints | Index,
    share: np.ndarray | None,
    most: Ints,
    free: Ints,
    price: Ints,
) -> GroupPresence:
    return GroupPresence(
        term=term,
        level=level,
        domain_of_rack=domain.astype(np.int32),
        group_of_job=group.astype(np.int32),
        may_share=share,
        max_domains=most,
        free_domains=free,
        price_mills=price,
        domain_names=tuple(f"{level}-{d}" for d in range(int(domain.max()) + 1)),
        group_names=tuple(f"group-{g}" for g in range(len(most))),
    )


def _counts(rng: Rng, work: _Work, racks: int) -> list[GroupCount]:
    jobs = len(work.units)
    gangs = np.flatnonzero(work.is_gang)
    surviving = rng.permutation(gangs)[: max(1, len(gangs) // 60)]
    spread = np.full(jobs, NONE, np.int32)
    chosen = rng.permutation(gangs)[: max(1, len(gangs) // 40)]
    spread[chosen] = np.arange(len(chosen))
    forms = []
    for level, size, survivors, limit in (
        ("rack", 1, surviving[::2], UNLIMITED),
        ("ups", SIGNATURE, surviving[1::2], UNLIMITED),
        ("array", ARRAY, surviving[:0], 64),
    ):
        domains = -(-racks // size)
        survives = np.zeros(jobs, bool)
        survives[survivors] = True
        start = np.append(np.arange(domains) * size, racks)
        forms.append(
            GroupCount(
                term="spread" if limit < UNLIMITED else "sla_survival",
                level=level,
                domains=Rows(start, np.arange(racks, dtype=np.int32), np.ones(racks, np.int64)),
                group_of_job=spread,
                limit=np.full(max(1, len(chosen)), limit),
                survives=survives,
                domain_names=tuple(f"{level}-{d}" for d in range(domains)),
                group_names=tuple(f"spread-{g}" for g in range(max(1, len(chosen)))),
            )
        )
    return forms


def _assignment(rng: Rng, work: _Work, kind: Index) -> list[AssignmentCost]:
    jobs = len(work.units)
    allowed = (rng.random((PROFILES, KINDS)) < 0.9)[work.profile]
    allowed[work.shards.job, kind[work.shards.rack]] = True
    fit = AssignmentCost.prohibition("hardware_fit", kind, allowed)
    firm = AssignmentCost.prohibition("firm_contracts", kind, np.ones((jobs, KINDS), bool))
    firm = replace(firm, firm_gpus=np.where(rng.random(jobs) < 0.01, 8, 0))
    home = np.flatnonzero(rng.random(len(work.shards.job)) < 0.02)
    margin = AssignmentCost(
        term="margin",
        kind_of_rack=kind,
        cost_mills=rng.integers(200, 800, (PROFILES, KINDS))[work.profile],
        allowed=np.ones((jobs, KINDS), bool),
        value_mills=rng.integers(8_000, 40_000, PROFILES)[work.profile],
        firm_gpus=np.zeros(jobs, np.int64),
        home_job=work.shards.job[home],
        home_rack=work.shards.rack[home],
        home_units=work.shards.units[home],
        move_mills=rng.integers(10, 200, len(home)),
    )
    return [fit, firm, margin]
