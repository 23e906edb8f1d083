"""First plans: jobs one after another, in several orders; a large site in parts at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.forms import NONE, Bools, Compiled, Ints, Shards
from scheduler.planner import fast
from scheduler.planner.classes import alike_racks
from scheduler.planner.construct import Builder
from scheduler.planner.dealing import deal
from scheduler.planner.guide import Guide
from scheduler.planner.improve.regions import SETTLED_RACKS, regions
from scheduler.planner.placing import Placer
from scheduler.planner.restrict import restrict
from scheduler.planner.state import Ground, State

ORDERS = ("worth", "apart", "wide", "density", "root", "noise")
KEENNESS = (0.5, 0.8)  # of groups to open domains, in turn, where profits are known; see `Placer`
SETTLE_STEPS = 20_000  # after a plan was built, at most,
SETTLE_EFFORT = 5_000_000  # and of all racks together
GUIDED_EFFORT = 4_000_000  # the same of the racks of a part, where a guide is followed
PROFIT_NOISE = 0.2  # of the logarithm of a profit, from the third such start on
PART_PLACEMENTS = 60_000_000  # (job, rack) pairs up to which a site is built as a whole
EVEN = ("density", "noise")  # orders in which loads are filled evenly, see `Builder`
CHOICE = {"worth": 1.4, "wide": 1.15, "apart": 1.4}  # density above the price that is chosen first


@dataclass(frozen=True, eq=False)
class Start:
    """Jobs to place on racks, and in which order."""

    jobs: Ints
    racks: Ints
    order: str
    seed: int
    profit: NDArray[np.float64] | None = None  # of the jobs, beyond the room that they take
    keenness: float = 1.0
    steps: int = 0  # of ruin and recreate afterwards, where they are fast
    period: int = 1  # between two kicks
    guide: Guide | None = None  # what groups that keep domains begin with
    even: bool = False  # what keeps domains is spread over the loads of the site; see `Builder`


def load() -> None:
    """Load what takes a while; a worker that has done so has everything it needs."""
    fast.load()


def ready(_compiled: Compiled, _nothing: None) -> None:
    """Load it, where that is not done (a task for a worker)."""
    load()


def build(compiled: Compiled, start: Start) -> Shards:
    """Place the jobs of a start on an empty site; a task for a worker."""
    whole = len(start.jobs) == compiled.num_jobs and len(start.racks) == compiled.num_racks
    if whole:
        return _place_all(Placer(Ground(compiled)), start)
    nothing = Shards.build(*np.zeros((3, 0), np.int64))
    part = restrict(compiled, start.jobs, start.racks, nothing)
    shards = _place_all(Placer(Ground(part.compiled)), start)
    return part.to_whole(shards)


def _place_all(placer: Placer, start: Start) -> Shards:
    """Place jobs in the order of the start: what is not plain by the builder, on its state."""
    if start.guide is not None:
        return _follow(placer, start.guide, start)
    compiled, state = placer.compiled, State(placer.ground)
    placer.keenness = start.keenness
    blocks = alike_racks(compiled, max(16, compiled.num_racks // 3))
    builder = Builder(compiled, blocks, even=start.even)
    order = order_of(placer, builder.nested, start)
    order = order[~placer.plain[order] | (placer.value[order] > 0)]
    if not fast.can_plan(compiled):
        _place(placer, builder, state, order)
        return state.shards()
    odd = np.flatnonzero(~placer.plain[order] & ~builder.nested[order])
    first, then = np.split(order, [int(odd.max(initial=NONE)) + 1])
    _place(placer, builder, state, first)
    search = fast.ruin(placer, state.shards(), start.seed)
    shards = search.fill(then[placer.plain[then]], start.keenness)
    if start.steps:
        shards = search.run(start.steps, lambda: False, period=start.period)
    state = State.of(placer.ground, shards)
    _place(placer, builder, state, then[~placer.plain[then]])
    return state.shards()


def _follow(placer: Placer, guide: Guide, start: Start) -> Shards:
    """Place what the guide has chosen, then the rest, all groups in the domains that it says."""
    compiled = placer.compiled
    builder = Builder(compiled, alike_racks(compiled, max(16, compiled.num_racks // 3)))
    order = order_of(placer, builder.nested, start)
    order = order[~placer.plain[order] | (placer.value[order] > 0)]
    plain = placer.plain[order]
    state = State(placer.ground)
    _place(placer, builder, state, order[~plain & ~builder.nested[order]])
    taken = np.zeros(compiled.num_racks, bool)
    taken[state.shards().rack] = True
    narrow = Placer(Ground(guide.narrowed(compiled, taken)))
    search = fast.ruin(narrow, state.shards(), start.seed)
    chosen = order[plain & guide.chosen[order]]
    wide = placer.owner.racks_of_job[chosen]
    search.fill(chosen[np.lexsort((-placer.slots[chosen], -wide))], keenness=0.0)
    shards = search.fill(order[plain & ~guide.chosen[order]], keenness=0.0)
    if start.steps:
        shards = search.run(start.steps, lambda: False, period=start.period)
    state = State.of(placer.ground, shards)
    _place(placer, builder, state, order[~plain & builder.nested[order]])
    return state.shards()


def _place(placer: Placer, builder: Builder, state: State, jobs: Ints) -> None:
    for job in jobs.tolist():
        if placer.plain[job]:
            placer.place(state, job)
        else:
            builder.place(state, job)


def order_of(placer: Placer, nested: NDArray[np.bool_], start: Start) -> Ints:
    """Return all jobs: obligations first, then by worth of a slot, size or both; insides last.

    With `profit` it is what a slot earns beyond its price that counts.
    """
    density, slots, order = placer.density, placer.slots, start.order
    if start.profit is not None:
        density = start.profit / np.maximum(slots, 1)
    keeps = placer.owner.racks_of_job
    if order in CHOICE:
        # What beats the price of a slot comes first, large before small: small ones fill gaps.
        chosen = density >= CHOICE[order] * placer.price
        first: Ints = np.where(chosen & (slots > np.median(slots) * 8), 0, 1)
        if order != "apart":
            first = np.where(chosen, -keeps, 0)
        keys: list[NDArray[Any]] = [np.where(chosen, -slots, -density), first, ~chosen]
    elif order == "root":
        keys = [-slots, -density * np.sqrt(slots)]
    else:
        noise = np.random.default_rng(start.seed).normal(0, 0.1 * (order == "noise"), len(slots))
        keys = [-slots, -density * np.exp(noise)]
    return np.lexsort((*keys, nested, placer.firm == 0))


def by_profit(placer: Placer, number: int, seed: int, profit: NDArray[np.float64]) -> list[Start]:
    """Return the parts of the start of a number: the first ones as they are, the others noisy."""
    if number >= len(KEENNESS):
        profit = noisy(profit, seed, number)
    parts = in_parts(placer, "root", seed)
    changes: dict[str, Any] = {"keenness": KEENNESS[number % len(KEENNESS)], "seed": seed + number}
    steps = settle_steps(placer.compiled)
    changes |= {"steps": steps, "period": steps if number % 4 < 2 else fast.PERIOD}
    changes |= {"even": number % 4 >= 2}
    return [replace(part, profit=profit[part.jobs], **changes) for part in parts]


def noisy(profit: NDArray[np.float64], seed: int, number: int) -> NDArray[np.float64]:
    """Return profits with some noise, other noise for every number."""
    rng = np.random.default_rng((seed, number))
    return np.asarray(profit * np.exp(rng.normal(0, PROFIT_NOISE, len(profit))))


def settle_steps(compiled: Compiled) -> int:
    """Return how many steps follow a first plan."""
    return min(SETTLE_STEPS, SETTLE_EFFORT // compiled.num_racks)


def guided(
    placer: Placer, number: int, seed: int, profit: NDArray[np.float64], guide: Guide
) -> list[Start]:
    """Return the parts of a start that follows a guide; see `following`."""
    wanted = guide.chosen | ((placer.owner.form_of_job == NONE) & (profit > 0))
    parts = in_parts(placer, "root", seed, wanted, guide)
    return [following(part, number, seed, profit, guide) for part in parts]


def following(
    part: Start, number: int, seed: int, profit: NDArray[np.float64], guide: Guide
) -> Start:
    """Return the start of a part that follows a guide.

    The first takes jobs in the order of their profit, the others with some noise.
    """
    if number > 0:
        profit = noisy(profit, seed, number)
    steps = min(SETTLE_STEPS, GUIDED_EFFORT // len(part.racks))
    changes: dict[str, Any] = {"steps": steps, "period": steps, "seed": seed + number}
    return replace(part, profit=profit[part.jobs], guide=guide.of(part.jobs), **changes)


def in_parts(
    placer: Placer, order: str, seed: int, wanted: Bools | None = None, guide: Guide | None = None
) -> list[Start]:
    """Deal racks and jobs to as many parts as keep each within `PART_PLACEMENTS`; see `deal`."""
    compiled = placer.compiled
    places = regions(compiled)
    pairs = compiled.num_jobs * compiled.num_racks
    count = min(len(places), int(np.ceil(np.sqrt(pairs / PART_PLACEMENTS))))
    jobs, racks = np.arange(compiled.num_jobs), np.arange(compiled.num_racks)
    even = order in EVEN
    if count <= 1:
        settle = settle_steps(compiled) if compiled.num_racks <= SETTLED_RACKS else 0
        settling: dict[str, Any] = {"steps": settle, "period": max(settle, 1)}
        return [Start(jobs, racks, order, seed, even=even, **settling)]
    part_of_place = np.arange(len(places)) * count // len(places)
    part_of_rack = np.empty(compiled.num_racks, np.int64)
    for place, part in zip(places, part_of_place.tolist(), strict=True):
        part_of_rack[place] = part
    part_of_job = deal(placer, part_of_rack, seed, wanted, guide)
    return [
        Start(jobs[part_of_job == part], racks[part_of_rack == part], order, seed, even=even)
        for part in range(count)
    ]
