"""The site: halls, arrays, racks, power, cooling, fabric, weather and prices.

All records are frozen and hold integers in base units (see ``scheduler.model.units``).
A `Site` is explicit: every rack, feed and loop is written out. The short form that people
write is expanded by ``scheduler.inputs``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from scheduler.model.levels import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class RackType:
    """What a rack of this type holds, draws and needs. Power figures are for the whole rack."""

    name: str
    gpu_type: str
    nodes: int
    gpus_per_node: int
    nvlink_domain: Level  # HOST or RACK: how far NVLink reaches
    nameplate_w: int
    observed_peak_w: int
    percentile_w: int  # the percentile that `Site.power_basis` "percentile" plans with
    idle_w: int
    liquid_permille: int  # share of the heat that goes into the liquid loop
    flow_mlpm: int  # design coolant flow
    gpu_peak_w: int  # one GPU at full load
    gpu_idle_w: int
    r_th_mk_per_w: int  # thermal resistance of the cold plate, milli-kelvin per watt
    slowdown_mc: int  # GPU temperature at which clocks are lowered
    air_w_per_k: int  # heat capacity flow of the design airflow
    source: str = ""  # evidence tag and source of the figures

    @property
    def gpus(self) -> int:
        """GPUs in one healthy rack."""
        return self.nodes * self.gpus_per_node

    @property
    def nvlink_gpus(self) -> int:
        """GPUs that one NVLink domain joins."""
        return self.gpus if self.nvlink_domain is Level.RACK else self.gpus_per_node

    def full_w(self, basis: str) -> int:
        """Power of a fully loaded rack on a power basis: see `Site.power_basis`."""
        figures = {
            "nameplate": self.nameplate_w,
            "observed_peak": self.observed_peak_w,
            "percentile": self.percentile_w,
        }
        return figures[basis]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rack:
    """One rack in its place."""

    name: str
    type: str
    hall: str
    array: str
    pod: str
    feeds: tuple[str, ...]  # names of one or two power nodes
    loop: str | None = None  # name of the cooling loop, None if air only
    row: int = 0
    position: int = 0
    down_nodes: int = 0  # nodes that are broken today
    drained: bool = False  # no work may be placed here
    hosts: tuple[str, ...] = ()  # names of the nodes, broken ones last; empty: made from `name`


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseLoad:
    """Power that is not GPU racks: switches, storage, pumps. Flows like a rack's power."""

    name: str
    hall: str
    feeds: tuple[str, ...]
    power_w: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerNode:
    """A node of the power graph. Load flows from racks up to the parents.

    ``share``: the load is split equally over live parents. ``transfer``: the first live parent
    takes all of it. A node is live if it has not failed and is a root or has a live parent.
    """

    name: str
    kind: str  # utility, transformer, ups, pdu, busway, ...
    parents: tuple[str, ...] = ()
    mode: str = "share"
    rating_w: int = 0  # continuous limit, breaker derating included
    emergency_permille: int = 1000  # of `rating_w`, tolerated for `emergency_s`
    emergency_s: int = 0
    swing_limit_w: int | None = None  # largest tolerated synchronous swing
    hall: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """A liquid loop: a group of coolant distribution units (CDUs) that serve the same racks."""

    name: str
    hall: str
    units: int
    spare_units: int  # 1 for N+1
    unit_w: int  # heat that one unit carries
    unit_flow_mlpm: int
    supply_mc: int  # lowest supply temperature that the loop holds
    approach_mk: int  # supply temperature above the facility water
    return_limit_mc: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recirculation:
    """Heat of `source` that reaches the inlet of `rack`: an entry of the matrix D."""

    rack: str
    source: str
    nk_per_w: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hall:
    """A room: its air supply and how exhaust air returns to inlets."""

    name: str
    supply_mc: int
    inlet_limit_mc: int
    recirculation: tuple[Recirculation, ...] = ()
    air_cooling_w: int | None = None  # air heat that the hall can remove, None: not limited


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """A design day. Every thermal limit holds on every listed day."""

    name: str
    dry_bulb_mc: int
    wet_bulb_mc: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """How facility water and air follow the weather."""

    heat_rejection: str = "tower"  # tower: wet bulb + approach; dry: dry bulb + approach
    approach_mk: int = 4_000
    water_set_mc: int = 20_000  # facility water is never colder than this
    air_derate_permille_per_k: int = 7  # loss of air cooling per kelvin above `air_rating_mc`
    air_rating_mc: int = 35_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureState:
    """Components that are out at the same time; empty for the normal state."""

    name: str
    failed: tuple[str, ...] = ()  # power nodes, or cooling loops that lose one CDU unit each


@dataclass(frozen=True, slots=True, kw_only=True)
class Fabric:
    """The compute network: how many leaf switches serve an array and what links carry."""

    kind: str = "rail-optimised"
    rails: int = 8
    link_mbps: int = 400_000
    efficiency_permille: int = 950
    oversubscription_permille: int = 1000
    joins: Level = Level.SITE  # largest domain that is connected; HALL: each hall is an island


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What the site pays."""

    energy_mills_per_mwh: int = 65_000
    pue_permille: int = 1_150
    move_mills_per_gpu: int = 0  # cost of moving one GPU's work off the rack where it runs


NORMAL = FailureState(name="normal")


@dataclass(frozen=True, kw_only=True)
class Site:
    """An explicit site. Validated by ``scheduler.inputs``; never changed afterwards."""

    name: str
    power_basis: str  # nameplate, observed_peak or percentile
    rack_types: Mapping[str, RackType]
    halls: Mapping[str, Hall]
    racks: Mapping[str, Rack]
    power_nodes: Mapping[str, PowerNode]
    loops: Mapping[str, Loop]
    base_loads: tuple[BaseLoad, ...] = ()
    failure_kinds: tuple[str, ...] = ()  # kinds of component whose loss is survived one by one
    failure_sets: tuple[tuple[str, ...], ...] = ()  # further sets that fail together
    weather: tuple[Weather, ...] = ()
    plant: Plant = field(default_factory=Plant)
    fabric: Fabric = field(default_factory=Fabric)
    prices: Prices = field(default_factory=Prices)
    power_action_s: int = 5  # time until caps and sheds have taken effect
    site_swing_limit_w: int | None = None  # synchronous swing that batteries and grid absorb
    isolation_ladder: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @cached_property
    def failure_states(self) -> tuple[FailureState, ...]:
        """Every failure state: the loss of one component of each named kind, then the sets."""
        nodes = [node.name for node in self.power_nodes.values() if node.kind in self.failure_kinds]
        cdus = [loop for loop in self.loops if "cdu" in self.failure_kinds]
        singles = [(name,) for name in (*nodes, *cdus)]
        return tuple(
            FailureState(name="loss of " + " and ".join(failed), failed=failed)
            for failed in (*singles, *self.failure_sets)
        )

    def basis_w(self, rack_type: RackType) -> int:
        """Power of a fully loaded rack on the chosen power basis."""
        return rack_type.full_w(self.power_basis)

    def domain_of(self, rack: Rack, level: Level | str) -> str | None:
        """Name of the domain at `level` that `rack` lies in; for ``loop`` its cooling loop."""
        match level:
            case Level.RACK | Level.NVLINK | Level.HOST:
                return rack.name
            case Level.ARRAY:
                return rack.array
            case Level.POD:
                return rack.pod
            case Level.HALL:
                return rack.hall
            case Level.SITE:
                return self.name
            case "loop":
                return rack.loop
        return None

    def type_of(self, rack: Rack) -> RackType:
        """Return the rack's type record."""
        return self.rack_types[rack.type]

    def usable_nodes(self, rack: Rack) -> int:
        """Nodes on which work can be placed today."""
        return 0 if rack.drained else self.type_of(rack).nodes - rack.down_nodes

    def usable_gpus(self, rack: Rack) -> int:
        """GPUs on which work can be placed today."""
        return self.usable_nodes(rack) * self.type_of(rack).gpus_per_node
