"""Halls as people write them: power scheme, cooling, arrays of racks."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from scheduler.inputs.quantities import Percent, Record, quantity

HALL_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}(\[[0-9]{1,4}-[0-9]{1,4}\])?$"

Scheme = Literal["N", "N+1", "2N", "3N/2", "4N/3", "catcher"]
Redundancy = Literal["N", "N+1", "2N"]


class PowerFile(Record):
    """How a hall is fed: groups of UPS, and a pair of busways for every array."""

    scheme: Scheme = Field(
        default="4N/3",
        description="Redundancy of a UPS group. Default [S]: 4-to-make-3 with A/B busways is the "
        "common shape of GPU halls",
    )
    ups: int | None = Field(
        default=None,
        description="UPS modules in a group, spare included. Fixed for 2N, 3N/2 and 4N/3; "
        "else as many as the nameplate power of the hall needs",
        ge=1,
        le=100,
    )
    groups: int = Field(default=1, description="UPS groups in the hall", ge=1, le=100)
    ups_kw: float = quantity(
        "kW", "Rating of one UPS. Default [D]: 4 x 2.5 MW, 4N/3", 2500, gt=0, le=1e5
    )
    emergency: Percent = quantity(
        "%", "What a UPS tolerates for `emergency_s`. Default [M]", "133 %", ge=100, le=300
    )
    emergency_s: int = quantity("s", "Ride-through of a UPS. Default [M]", 10, ge=0, le=86_400)
    busway_a: float | None = quantity(
        "A",
        "Rating of a busway at 415 V. Default [D]: the next standard size that carries the "
        "nameplate power of its array alone",
        None,
        gt=0,
        le=20_000,
    )
    busway_kw: float | None = quantity(
        "kW", "Rating of a busway, in place of `busway_a`", None, gt=0, le=1e5
    )
    breakers: Percent = quantity(
        "%",
        "Continuous load of a breaker: 80 %, or 100 % if so rated. Default [T]: NEC 210.20, 215.3",
        "80 %",
        ge=50,
        le=100,
    )


class LoopFile(Record):
    """A liquid loop: coolant distribution units (CDUs) that serve some arrays together."""

    cdu_kw: float = quantity(
        "kW", "Heat that one CDU carries. Default [T]: LiquidStack CDU-1MW", 1350, gt=0, le=1e5
    )
    cdus: int | None = Field(
        default=None,
        description="CDUs in a loop, spares included. Default [D]: as many as carry the nameplate "
        "heat and the design flow of its racks, and the spares",
        ge=1,
        le=1000,
    )
    redundancy: Redundancy = Field(
        default="N+1", description="Spare CDUs of a loop. Default [S]: N+1 pumps and units"
    )
    per: int = Field(
        default=2, description="Arrays that share one loop. Default [A]", ge=1, le=1000
    )
    flow_lpm: float | None = quantity(
        "L/min",
        "Flow of one CDU. Default [S]: 1.5 L/min per kW, the OCP figure for 10 K",
        None,
        gt=0,
        le=1e6,
    )
    supply_c: float = quantity(
        "°C", "Lowest supply temperature. Default [A]: dew point stays below it", 30, ge=0, le=80
    )
    approach_c: float = quantity(
        "K", "Supply above facility water. Default [S]: 3 to 5 K", 4, ge=0, le=40
    )
    return_limit_c: float = quantity("°C", "Hottest return. Default [A]", 55, ge=0, le=100)


class AirFile(Record):
    """Room air: what reaches the inlets and how exhaust comes back."""

    supply_c: float = quantity(
        "°C", "Supply air. Default [M]: ASHRAE H1 recommends 18 to 22 °C", 22, ge=0, le=60
    )
    inlet_limit_c: float = quantity(
        "°C", "Hottest inlet. Default [T]: ASHRAE recommends up to 27 °C", 27, ge=0, le=60
    )
    containment: Literal["aisle", "none"] = Field(
        default="aisle", description="Whether hot aisles are enclosed. Default [A]"
    )
    capacity_kw: float | None = quantity(
        "kW", "Air heat that the hall can remove. Default: not limited", None, ge=0, le=1e6
    )


class CoolingFile(Record):
    """Cooling of a hall."""

    loop: LoopFile = Field(default_factory=LoopFile, description="Liquid loops")
    air: AirFile = Field(default_factory=AirFile, description="Room air")


class ArrayFile(Record):
    """Arrays that are alike: racks behind the same leaf switches and busways."""

    count: int = Field(default=1, description="Arrays of this kind in each hall", ge=1, le=1000)
    racks: int = Field(
        default=8,
        description="Racks in an array. Default [T]: 8 x 64 GPUs, 64 nodes",
        ge=1,
        le=1000,
    )
    rack: str = Field(description="Rack type, built in or from `rack_types`", min_length=1)
    drained: list[str] = Field(default=[], description="Racks that take no work, such as H1-A01-R1")
    down_nodes: dict[str, int] = Field(
        default={}, description="Broken nodes by rack: {H1-A01-R2: 1}"
    )


class HallFile(Record):
    """One hall, or a range of halls that are alike."""

    name: str = Field(description="A name, or a range: H[1-4]", pattern=HALL_NAME)
    power: PowerFile = Field(default_factory=PowerFile, description="Power")
    cooling: CoolingFile = Field(default_factory=CoolingFile, description="Cooling")
    arrays: list[ArrayFile] = Field(description="Arrays of racks", min_length=1, max_length=1000)
    base_load_kw: float | None = quantity(
        "kW",
        "Power of switches and storage. Default [A]: 5 % of the observed peak of the racks",
        None,
        ge=0,
        le=1e6,
    )
    racks_per_row: int = Field(default=16, description="Seats in a row. Default [A]", ge=1, le=1000)
