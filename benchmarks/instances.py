"""Sites and workloads for the planner's benchmark: made up, but as hard as real ones.

Halls of 160 racks (S 32, M 128) in arrays of 16, each half of an array on a liquid loop of its own.
Four UPS a hall; every half array is fed by two of them, in all six pairs, so that the loss of one
puts its load on the other cord of each rack. A utility line serves about five halls. Racks hold 72
or 64 GPUs. Two racks in a hundred are drained, and in some halls firm contracts pin racks.

Jobs of 1 to 8,192 GPUs follow a power law; up to 72 GPUs lie in one rack, larger ones in one
array, one hall or anywhere. Tenants with racks, arrays or halls of their own ask for about a third.
More is asked for than there are GPUs or watts, so that value decides. All figures are ours, see
`docs/benchmarks.md`; nothing here is anyone's site.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from scheduler.model import (
    Contract,
    Hall,
    Job,
    Level,
    Loop,
    PowerNode,
    PowerProfile,
    Prices,
    Problem,
    Rack,
    RackType,
    Recirculation,
    Site,
    Tenant,
    Workload,
)

Ints = NDArray[np.int64]
Rng = np.random.Generator

SIZES = {  # racks, jobs, halls
    "XS": (32, 30, 1),
    "S": (64, 60, 2),
    "M": (512, 500, 4),
    "L": (1_600, 3_000, 10),
    "XL": (3_200, 10_000, 20),
    "XXL": (16_000, 50_000, 100),
}
ARRAY_RACKS, LOOP_RACKS, UTILITY_HALLS, NODE_GPUS = 16, 8, 5, 8
TYPES = ("a", "b")
GPUS = np.array([72, 64])  # in a rack of each type
GPU_W = np.array([1_800, 1_300])  # a GPU's share of its rack's power above idle
IDLE_PERMILLE = 120  # of the power above idle
LIQUID_PERMILLE = 850
FEED_PAIRS = ((0, 1), (2, 3), (0, 2), (1, 3), (0, 3), (1, 2))
SMALL_JOBS = (1, 2, 4, 8, 16, 24, 32, 48, 64, 72)  # GPUs; these lie in one rack
LARGE_JOBS = (96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192)
JOB_GPUS = np.array((*SMALL_JOBS, *LARGE_JOBS))
RATES = np.array([10, 12, 14, 16, 20, 24, 30, 40, 60, 100])  # tenths of a dollar a GPU-hour
RATE_SHARES = (0.1, 0.12, 0.14, 0.14, 0.14, 0.12, 0.1, 0.08, 0.04, 0.02)
LEVELS = (Level.HOST, Level.RACK, Level.ARRAY, Level.HALL)
LEVEL_MARKUP = (1.0, 1.2, 1.4, 1.5)  # on the rate, for what a tenant keeps from others
ACTIONS, ACTION_SHARES = ("firm", "cap", "shed"), (0.7, 0.2, 0.1)
CAP_PERMILLE = 600
UTILITY_SHARE = 0.77  # of the power above idle of all racks, carried in the normal state
UPS_SHARE = 0.71  # the same, carried by three UPS of four once work is capped and shed
SLOWDOWN_PERMILLE = 2  # for each array more than needed
AIR_W_PER_K = 9_000
RETURNED_NK_PER_W = (900, 400, 150)  # of a rack's own air heat, of the next one's, of the second's


@dataclass(frozen=True)
class Axes:
    """How hard an instance is. 1.0 is the severity of the tables by size."""

    load: float = 1.1  # GPUs asked for per GPU
    power: float = 1.0  # power and cooling ratings against the tables'; smaller is tighter
    isolated: float = 1.0  # share of work of tenants with domains of their own
    pinned: float = 1.0  # share of racks that hold pinned work
    skew: float = 1.0  # above 1: larger jobs are larger and rarer


def instance(size: str, seed: int = 0, axes: Axes | None = None) -> Problem:
    """Return the instance of a size, a seed and a severity; the same for the same three."""
    return _Instance(size, np.random.default_rng(seed), axes or Axes()).problem()


@dataclass
class _Instance:
    size: str
    rng: Rng
    axes: Axes
    racks: int = field(init=False)
    jobs: int = field(init=False)
    halls: int = field(init=False)

    def __post_init__(self) -> None:
        self.racks, self.jobs, self.halls = SIZES[self.size]
        arrays, per_hall = self.racks // ARRAY_RACKS, self.racks // ARRAY_RACKS // self.halls
        self.hall_of_array = np.arange(arrays) // per_hall
        kind = (self.rng.random(arrays) > 0.6).astype(np.int64)
        for hall in range(self.halls):  # both types in every hall
            here = np.flatnonzero(self.hall_of_array == hall)
            if kind[here].min() == kind[here].max():
                kind[here[0]] ^= 1
        self.array_of_rack = np.arange(self.racks) // ARRAY_RACKS
        self.hall_of_rack = self.hall_of_array[self.array_of_rack]
        self.kind_of_rack = kind[self.array_of_rack]
        self.loop_of_rack = np.arange(self.racks) // LOOP_RACKS
        self.down = self.rng.random(self.racks) < 0.02
        pinned_hall = self.rng.random(self.halls) < 0.4 * self.axes.pinned
        pinned_array = pinned_hall[self.hall_of_array] & (self.rng.random(arrays) < 0.5)
        pinned = pinned_array[self.array_of_rack] & (self.rng.random(self.racks) < 0.2) & ~self.down
        self.pinned = np.zeros(self.racks, np.int64)
        self.pinned[pinned] = self.rng.choice([16, 24, 32, 40, 48], int(pinned.sum()))
        self.free = np.where(self.down, 0, GPUS[self.kind_of_rack]) - self.pinned
        self.dynamic_w = GPUS[self.kind_of_rack] * GPU_W[self.kind_of_rack]
        self.idle_w = self.dynamic_w * IDLE_PERMILLE // 1000

    def problem(self) -> Problem:
        return Problem(self.site(), self.workload())

    # ---- site

    def site(self) -> Site:
        racks = {rack.name: rack for rack in map(self.rack, range(self.racks))}
        halls = [self.hall(hall) for hall in range(self.halls)]
        return Site(
            name=f"bench-{self.size}",
            power_basis="observed_peak",
            rack_types={name: _rack_type(kind, name) for kind, name in enumerate(TYPES)},
            halls={hall.name: hall for hall in halls},
            racks=racks,
            power_nodes={node.name: node for node in self.power_nodes()},
            loops={loop.name: loop for loop in self.loops()},
            failure_kinds=("ups", "cdu"),
            prices=Prices(),
            isolation_ladder={level.value: (level.value,) for level in LEVELS[1:]},
        )

    def rack(self, r: int) -> Rack:
        hall, loop = int(self.hall_of_rack[r]), int(self.loop_of_rack[r])
        per_hall = self.racks // LOOP_RACKS // self.halls
        pair = FEED_PAIRS[(loop % per_hall + hall) % len(FEED_PAIRS)]
        return Rack(
            name=f"R{r:05d}",
            type=TYPES[self.kind_of_rack[r]],
            hall=f"H{hall:03d}",
            array=f"A{self.array_of_rack[r]:04d}",
            pod=f"H{hall:03d}",
            feeds=tuple(f"H{hall:03d}-U{ups}" for ups in pair),
            loop=f"L{loop:04d}",
            row=int(self.array_of_rack[r]),
            position=r % ARRAY_RACKS,
            drained=bool(self.down[r]),
        )

    def hall(self, hall: int) -> Hall:
        racks = np.flatnonzero(self.hall_of_rack == hall)
        entries = []
        for r in racks.tolist():
            for source in range(r - 2, r + 3):
                if 0 <= source < self.racks and source // ARRAY_RACKS == r // ARRAY_RACKS:
                    nk = RETURNED_NK_PER_W[abs(source - r)]
                    entries.append(
                        Recirculation(rack=f"R{r:05d}", source=f"R{source:05d}", nk_per_w=nk * 100)
                    )
        # A row full of type a at 0.9 of its power is at the limit.
        air_w = 0.9 * GPUS[0] * GPU_W[0] * (1000 + IDLE_PERMILLE) / 1000
        air_w *= (1000 - LIQUID_PERMILLE) / 1000 * self.axes.power
        rise_mk = int(air_w * 100 * (900 + 2 * 400 + 2 * 150) / 1e6)
        name = f"H{hall:03d}"
        return Hall(
            name=name,
            supply_mc=22_000,
            inlet_limit_mc=22_000 + rise_mk,
            recirculation=tuple(entries),
        )

    def power_nodes(self) -> list[PowerNode]:
        idle = np.bincount(self.hall_of_rack, self.idle_w, self.halls)
        busy = np.bincount(self.hall_of_rack, self.dynamic_w, self.halls)
        num_utilities = max(1, self.halls // UTILITY_HALLS)
        utility = np.arange(self.halls) * num_utilities // self.halls
        rating = np.bincount(utility, idle + UTILITY_SHARE * self.axes.power * busy, num_utilities)
        nodes = [
            PowerNode(name=f"utility-{u}", kind="utility", rating_w=int(rating[u]))
            for u in range(num_utilities)
        ]
        for hall in range(self.halls):
            # Idle power is a tenth more on the UPS that has most of it.
            ups_w = (1.1 * idle[hall] + UPS_SHARE * self.axes.power * busy[hall]) / 3
            nodes += [
                PowerNode(
                    name=f"H{hall:03d}-U{ups}",
                    kind="ups",
                    parents=(f"utility-{utility[hall]}",),
                    rating_w=int(ups_w),
                    emergency_permille=1330,
                    emergency_s=10,
                    hall=f"H{hall:03d}",
                )
                for ups in range(4)
            ]
        return nodes

    def loops(self) -> list[Loop]:
        num_loops = self.racks // LOOP_RACKS
        share = self.rng.choice([0.8, 0.85, 0.9, 0.95, 1.0], num_loops) * self.axes.power
        idle = np.bincount(self.loop_of_rack, self.idle_w, num_loops)
        busy = np.bincount(self.loop_of_rack, self.dynamic_w, num_loops)
        heat = (idle + share * busy) * LIQUID_PERMILLE / 1000 * 1.002  # rounding of units
        return [
            Loop(
                name=f"L{loop:04d}",
                hall=f"H{self.hall_of_rack[loop * LOOP_RACKS]:03d}",
                units=3,
                spare_units=1,
                unit_w=int(heat[loop] / 2),
                unit_flow_mlpm=4_000_000,
                supply_mc=30_000,
                approach_mk=4_000,
                return_limit_mc=60_000,
            )
            for loop in range(num_loops)
        ]

    # ---- workload

    def workload(self) -> Workload:
        gpus = self.job_gpus()
        share_a = float(self.free[self.kind_of_rack == 0].sum() / self.free.sum())
        kinds = self.rng.choice(3, self.jobs, p=[0.75 * share_a, 0.75 * (1 - share_a), 0.25])
        kinds[gpus == GPUS[0]] = 0
        power = self.rng.choice([6, 7, 8, 9, 10], self.jobs, p=[0.1, 0.2, 0.3, 0.25, 0.15])
        rate = self.rng.choice(RATES, self.jobs, p=RATE_SHARES)
        tenant, levels = self.tenants(gpus)
        markup = np.array(LEVEL_MARKUP)[levels[tenant]]
        rate = np.round(rate * markup).astype(np.int64)
        place = self.places(gpus)
        wide = (kinds == 2) & (gpus > GPUS[0])
        kinds[wide] = self.rng.random(int(wide.sum())) > share_a
        action = self.rng.choice(3, self.jobs, p=ACTION_SHARES)
        chatty = self.rng.random(self.jobs) < 0.3
        jobs = {}
        for j in range(self.jobs):
            jobs[f"j{j:05d}"] = self.job(
                j,
                int(gpus[j]),
                int(kinds[j]),
                place[j],
                bool(chatty[j]),
                tenant=f"t{tenant[j]:03d}",
                profile=f"p{power[j]}",
                action=ACTIONS[action[j]],
                rate=int(rate[j]),
            )
        tenants = {
            f"t{t:03d}": Tenant(name=f"t{t:03d}", external=t > 0, isolation=LEVELS[level])
            for t, level in enumerate(levels.tolist())
        }
        tenants["resident"] = Tenant(name="resident", external=True)
        return Workload(
            name=f"bench-{self.size}",
            tenants=tenants,
            contracts=self.contracts(),
            jobs=jobs,
            profiles=_profiles(),
        )

    def job(
        self,
        j: int,
        gpus: int,
        kind: int,
        place: Level | None,
        chatty: bool,
        *,
        tenant: str,
        profile: str,
        action: str,
        rate: int,
    ) -> Job:
        small = gpus <= NODE_GPUS
        units = 1 if small else gpus // NODE_GPUS
        multi = gpus > GPUS[0]
        return Job(
            name=f"j{j:05d}",
            tenant=tenant,
            units=units,
            gpus_per_unit=gpus if small else NODE_GPUS,
            min_units=units,
            gpu_types=TYPES if kind == 2 else (TYPES[kind],),
            profile=profile,
            power_action=action,
            value_mills_per_gpu_h=rate * 100,
            required=place if units > 1 else None,
            preferred=Level.ARRAY if multi and place is not Level.ARRAY and chatty else None,
            slowdown_permille=SLOWDOWN_PERMILLE if multi and chatty else 0,
        )

    def contracts(self) -> dict[str, Contract]:
        """Return the firm work that is pinned to racks."""
        found = {}
        for r in np.flatnonzero(self.pinned).tolist():
            found[f"pinned-{r:05d}"] = Contract(
                name=f"pinned-{r:05d}",
                tenant="resident",
                units=int(self.pinned[r]) // NODE_GPUS,
                gpus_per_unit=NODE_GPUS,
                gpu_types=(TYPES[self.kind_of_rack[r]],),
                price_mills_per_gpu_h=2_000,
                profile="p8",
                within=(f"R{r:05d}",),
            )
        return found

    def job_gpus(self) -> Ints:
        """Draw sizes from a power law whose mean fits the load, then trim the sum."""
        total, count = int(self.free.sum()), self.jobs
        sizes = np.array([n for n in JOB_GPUS if n <= max(0.08 * total, 256)])
        low, high = 0.0, 3.0
        for _ in range(60):
            exponent = (low + high) / 2
            share = _power_law(sizes, exponent, self.axes.skew)
            if (share * sizes).sum() > self.axes.load * total / count:
                low = exponent
            else:
                high = exponent
        drawn = self.rng.choice(sizes, count, p=share)
        wanted = self.axes.load * total
        for _ in range(20_000):
            excess = drawn.sum() - wanted
            if abs(excess) < 0.01 * total:
                break
            j, other = self.rng.integers(count), self.rng.choice(sizes, p=share)
            if abs(excess + other - drawn[j]) < abs(excess):
                drawn[j] = other
        return np.asarray(drawn, np.int64)

    def tenants(self, gpus: Ints) -> tuple[Ints, Ints]:
        """Return the tenant of every job, and the place on `LEVELS` of every tenant."""
        tenant, levels = np.zeros(self.jobs, np.int64), [0]
        waiting, at = self.rng.permutation(self.jobs), 0
        asked = int(gpus.sum())

        def take(target: float, level: int) -> None:
            nonlocal at
            taken = 0
            while taken < target and at < self.jobs:
                job = waiting[at]
                at += 1
                if gpus[job] <= target * 1.3:
                    tenant[job] = len(levels)
                    taken += int(gpus[job])
            levels.append(level)

        if self.halls >= 4:
            for _ in range(round(max(1, self.halls // 20) * self.axes.isolated)):
                take(self.hall_gpus() * self.rng.uniform(0.6, 1.3), 3)
        left = 0.10 * asked * self.axes.isolated
        while left > 0:
            target = 1_100 * self.rng.uniform(0.5, 2.5)
            take(min(target, left + 300), 2)
            left -= target
        left = 0.15 * asked * self.axes.isolated
        while left > 0:
            target = 70 * np.exp(self.rng.uniform(0, 2.5))
            take(target, 1)
            left -= target
        return tenant, np.array(levels, np.int64)

    def hall_gpus(self) -> int:
        """Return the GPUs of a typical hall."""
        return 69 * (160 if self.halls > 4 else self.racks // self.halls)

    def places(self, gpus: Ints) -> list[Level | None]:
        """Return the domain that each job must lie in: rack, array, hall or None for anywhere."""
        draw = self.rng.random(self.jobs)
        places: list[Level | None] = []
        for n, u in zip(gpus.tolist(), draw.tolist(), strict=True):
            if n <= GPUS[0]:
                places.append(Level.RACK)
            elif n <= 704:
                places.append(Level.ARRAY if u < 0.5 else Level.HALL if u < 0.8 else None)
            else:
                in_hall = u < 0.7 and n <= 0.5 * self.hall_gpus()
                places.append(Level.HALL if in_hall else None)
        return places


def _power_law(sizes: Ints, exponent: float, skew: float) -> NDArray[np.float64]:
    share = sizes ** -float(exponent)
    share[sizes > GPUS[0]] *= skew
    return np.asarray(share / share.sum())


def _rack_type(kind: int, name: str) -> RackType:
    gpus, dynamic_w = int(GPUS[kind]), int(GPUS[kind] * GPU_W[kind])
    idle_w = dynamic_w * IDLE_PERMILLE // 1000
    return RackType(
        name=name,
        gpu_type=name,
        nodes=gpus // NODE_GPUS,
        gpus_per_node=NODE_GPUS,
        nvlink_domain=Level.RACK,
        nameplate_w=(idle_w + dynamic_w) * 5 // 4,
        observed_peak_w=idle_w + dynamic_w,
        percentile_w=(idle_w + dynamic_w) * 9 // 10,
        idle_w=idle_w,
        liquid_permille=LIQUID_PERMILLE,
        flow_mlpm=180_000,
        gpu_peak_w=int(GPU_W[kind]) * 7 // 10,
        gpu_idle_w=100,
        r_th_mk_per_w=20,
        slowdown_mc=90_000,
        air_w_per_k=AIR_W_PER_K,
    )


def _profiles() -> dict[str, PowerProfile]:
    """Return profiles with peaks of 0.6 to 1.0 of the range, capped to 0.6 of it."""
    return {
        f"p{tenths}": PowerProfile(
            name=f"p{tenths}",
            mean_permille=tenths * 85,
            peak_permille=tenths * 100,
            cap_permille=CAP_PERMILLE,
        )
        for tenths in range(6, 11)
    }
