"""Power written out: utility feeds, transformers, UPS groups, busways, base loads.

A UPS group offers **outlets**: what an A and a B busway can be connected to. The arrays of a hall
are spread over the outlets so that the outlets are loaded alike, heaviest array first. A failover
sends the load of a pair to its survivor, so unequal pairs strand power.

========  =====================================  ==========================================
scheme    outlets of a group of x UPS            usable, C the rating of one UPS
========  =====================================  ==========================================
N         each UPS, A busway alone               x C, a loss takes racks out
N+1       one common bus                         (x - 1) C, the bus is a single point
2N        the pair {1, 2}                        C
3N/2      the 3 pairs of 3                       2 C
4N/3      the 6 pairs of 4                       3 C
catcher   each primary, else the reserve         (x - 1) C
========  =====================================  ==========================================
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import combinations
from math import isqrt

from scheduler.inputs.expand_layout import ArrayPlan, HallPlan
from scheduler.inputs.hall_file import PowerFile
from scheduler.inputs.mistakes import Mistakes, Place
from scheduler.inputs.quantities import KILO, permille_down, times, watts_down, watts_up
from scheduler.inputs.site_file import SiteFile, UtilityFile
from scheduler.model import BaseLoad, PowerNode
from scheduler.model.units import ceil_div, exact, part, round_down

Outlet = tuple[str, ...]  # parents of the A busway and, if there is one, of the B busway

BASE_PERMILLE = 50  # [A] switches and storage, of the observed peak of the racks
VOLTS = 415  # [T] line to line
BUSWAYS_A = (800, 1200, 1600, 2000, 2500, 3200, 4000, 5000)  # [M] standard sizes
TRANSFORMER_STEP_KVA = 500  # [M] unit substations of 2.5 and 3 MVA
OVERLOAD_PERMILLE, OVERLOAD_S = 1300, 1800  # [M] oil transformers tolerate 1.3 for half an hour
BREAKER_S = 3 * 3600  # [T] NEC: a load is continuous from 3 h on
FIXED_UPS = {"2N": 2, "3N/2": 3, "4N/3": 4}
SPARE_UPS = {"N": 0, "N+1": 1, "catcher": 1}
FEED_LETTERS = "ABCDEFGH"


def utility_nodes(utility: UtilityFile, pue_permille: int) -> tuple[PowerNode, ...]:
    """Return the grid feeds, rated in IT power: ``mva * power_factor / PUE``.

    A feed carries cooling and losses as well, and the power tree counts IT power alone.
    """
    rating_w = exact(utility.mva) * 10**6 * exact(utility.power_factor) * 1000 / pue_permille
    return tuple(
        PowerNode(
            name=f"utility-{letter}",
            kind="utility",
            rating_w=round_down(rating_w),
            emergency_permille=OVERLOAD_PERMILLE,
            emergency_s=OVERLOAD_S,
        )
        for letter in FEED_LETTERS[: utility.feeds]
    )


def hall_base_w(hall: HallPlan) -> int:
    """Return the power of switches and storage of the hall."""
    if hall.file.base_load_kw is not None:
        return watts_up(hall.file.base_load_kw)
    return part(sum(array.observed_peak_w for array in hall.arrays), BASE_PERMILLE)


def ups_count(hall: HallPlan) -> int:
    """Return the UPS of one group: fixed by the scheme, given, or as many as the hall needs."""
    power = hall.file.power
    if power.scheme in FIXED_UPS:
        return FIXED_UPS[power.scheme]
    if power.ups is not None:
        return power.ups
    need_w = sum(array.nameplate_w for array in hall.arrays) + hall_base_w(hall)
    return ceil_div(need_w, power.groups * watts_down(power.ups_kw)) + SPARE_UPS[power.scheme]


def check_power(hall: HallPlan, place: Place, mistakes: Mistakes) -> None:
    """Add what is wrong with the power of a hall."""
    power, loc = hall.file.power, ("halls", hall.index, "power")
    fixed = FIXED_UPS.get(power.scheme)
    if power.ups is not None and fixed is not None and power.ups != fixed:
        hint = "use `groups` for more"
        expected = f"{fixed} UPS in a group of scheme {power.scheme}"
        mistakes.add(place, (*loc, "ups"), expected, power.ups, hint)
    if power.ups is not None and power.ups <= SPARE_UPS.get(power.scheme, 0):
        mistakes.add(place, (*loc, "ups"), f"at least 2 UPS for {power.scheme}", power.ups)
    if power.busway_a is not None and power.busway_kw is not None:
        mistakes.add(place, (*loc, "busway_kw"), "either busway_a or busway_kw", power.busway_kw)


def ups_nodes(
    hall: HallPlan, utility: UtilityFile, feeds: Sequence[str]
) -> tuple[list[PowerNode], list[Outlet]]:
    """Return transformers, UPS, buses and switches of a hall, and the outlets that they offer."""
    nodes: list[PowerNode] = []
    outlets: list[Outlet] = []
    count = ups_count(hall)
    for group in range(hall.file.power.groups):
        first = group * count + 1
        numbers = range(first, first + count)
        for number in numbers:
            nodes += _transformer_and_ups(hall, utility, tuple(feeds), number)
        ups = [f"{hall.name}-UPS{number}" for number in numbers]
        more, offered = _outlets(hall, ups, group + 1)
        nodes += more
        outlets += offered
    return nodes, outlets


def _transformer_and_ups(
    hall: HallPlan, utility: UtilityFile, feeds: tuple[str, ...], number: int
) -> Iterator[PowerNode]:
    power = hall.file.power
    pf = exact(utility.power_factor)
    steps = -(-exact(power.ups_kw) // (pf * TRANSFORMER_STEP_KVA))
    yield PowerNode(
        name=f"{hall.name}-T{number}",
        kind="transformer",
        parents=feeds,
        rating_w=round_down(steps * TRANSFORMER_STEP_KVA * pf, KILO),
        emergency_permille=OVERLOAD_PERMILLE,
        emergency_s=OVERLOAD_S,
        hall=hall.name,
    )
    yield PowerNode(
        name=f"{hall.name}-UPS{number}",
        kind="ups",
        parents=(f"{hall.name}-T{number}",),
        rating_w=watts_down(power.ups_kw),
        emergency_permille=permille_down(power.emergency),
        emergency_s=power.emergency_s,
        hall=hall.name,
    )


def _outlets(hall: HallPlan, ups: list[str], group: int) -> tuple[list[PowerNode], list[Outlet]]:
    scheme, rating_w = hall.file.power.scheme, watts_down(hall.file.power.ups_kw)
    if scheme == "N":
        return [], [(each,) for each in ups]
    if scheme == "N+1":
        bus = PowerNode(
            name=f"{hall.name}-BUS{group}",
            kind="bus",
            parents=tuple(ups),
            rating_w=(len(ups) - 1) * rating_w,
            hall=hall.name,
        )
        return [bus], [(bus.name, bus.name)]
    if scheme == "catcher":
        *primaries, reserve = ups
        switches = [
            PowerNode(
                name=f"{primary.replace('-UPS', '-STS')}{side}",
                kind="sts",
                parents=(primary, reserve),
                mode="transfer",
                rating_w=rating_w,
                hall=hall.name,
            )
            for primary in primaries
            for side in "AB"
        ]
        names = [switch.name for switch in switches]
        return switches, list(zip(names[::2], names[1::2], strict=True))
    return [], list(combinations(ups, 2))


def balance(outlets: Sequence[Outlet], weights: Sequence[int]) -> tuple[int, ...]:
    """Return an outlet for every weight: heaviest first, each onto the outlet loaded least.

    Among equal outlets the one whose UPS carry least together, then the first.
    """
    on_outlet = [0] * len(outlets)
    on_node: Counter[str] = Counter()
    chosen = [0] * len(weights)
    for item in sorted(range(len(weights)), key=lambda item: (-weights[item], item)):
        best = min(
            range(len(outlets)),
            key=lambda o: (on_outlet[o], sum(on_node[name] for name in outlets[o]), o),
        )
        chosen[item] = best
        on_outlet[best] += weights[item]
        for name in outlets[best]:
            on_node[name] += weights[item]
    return tuple(chosen)


def busway_nodes(
    hall: HallPlan, array: ArrayPlan, outlet: Outlet, power_factor: float
) -> tuple[PowerNode, ...]:
    """Return the busways of an array: each carries the whole array when the other one is lost."""
    power = hall.file.power
    return tuple(
        PowerNode(
            name=f"{array.name}-B{side}",
            kind="busway",
            parents=(parent,),
            rating_w=_busway_w(power, array.nameplate_w, power_factor),
            emergency_permille=round_down(Fraction(100_000) / exact(power.breakers)),
            emergency_s=BREAKER_S,
            hall=hall.name,
        )
        for side, parent in zip("AB", outlet, strict=False)
    )


def _busway_w(power: PowerFile, nameplate_w: int, power_factor: float) -> int:
    if power.busway_kw is not None:
        return times(power.busway_kw, power.breakers, KILO)
    if power.busway_a is not None:
        return feeder_w(power.busway_a, power_factor, power.breakers)
    ratings = (feeder_w(size_a, power_factor, power.breakers) for size_a in BUSWAYS_A)
    largest_w = feeder_w(BUSWAYS_A[-1], power_factor, power.breakers)
    return next((rating for rating in ratings if rating >= nameplate_w), largest_w)


def feeder_w(amperes: float, power_factor: float, breakers: float) -> int:
    """Return ``floor(sqrt(3) * 415 V * amperes * power_factor * breakers)``, exactly."""
    one_phase = VOLTS * exact(amperes) * exact(power_factor) * exact(breakers) / 100
    return isqrt(int(3 * one_phase**2))


def base_loads(hall: HallPlan, outlets: Sequence[Outlet]) -> tuple[BaseLoad, ...]:
    """Return switches and storage of the hall, spread evenly over the outlets."""
    power_w = ceil_div(hall_base_w(hall), len(outlets))
    if not power_w:
        return ()
    return tuple(
        BaseLoad(
            name=f"{hall.name}-base{number}",
            hall=hall.name,
            feeds=tuple(dict.fromkeys(outlet)),
            power_w=power_w,
        )
        for number, outlet in enumerate(outlets, 1)
    )


def with_swing_limits(site_file: SiteFile, nodes: Sequence[PowerNode]) -> Iterator[PowerNode]:
    """Yield the nodes with the limits of the synchronous swing that the file sets."""
    for node in nodes:
        limit_kw = site_file.swing.of_kind(node.kind)
        yield node if limit_kw is None else replace(node, swing_limit_w=watts_down(limit_kw))
