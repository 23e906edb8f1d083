"""The compact site file. Everything left out has a default; its field says where it comes from.

Evidence tags: [T] read in a primary source, [S] in a secondary one, [M] general knowledge,
[D] derived, [A] assumption.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from scheduler.inputs.hall_file import HallFile
from scheduler.inputs.quantities import NAME, Percent, Record, quantity
from scheduler.inputs.rack_type_file import RackTypeFile

Component = Literal["utility", "transformer", "ups", "bus", "sts", "busway", "cdu"]
Rung = Literal["rack", "array", "pod", "hall", "site"]
Domain = Literal["rack", "loop", "array", "pod", "hall", "site"]


class DayFile(Record):
    """A day on which every thermal limit holds as well."""

    name: str = Field(description="Name of the day", pattern=NAME)
    dry_bulb_c: float = quantity("°C", "Dry bulb", ge=-60, le=70)
    wet_bulb_c: float = quantity("°C", "Wet bulb", ge=-60, le=70)


class AmbientFile(Record):
    """Weather at the site."""

    dry_bulb_c: float = quantity("°C", "Dry bulb of the design day", ge=-60, le=70)
    wet_bulb_c: float = quantity("°C", "Wet bulb of the design day", ge=-60, le=70)
    hot_days: list[DayFile] = Field(default=[], description="Further days", max_length=20)


class PlantFile(Record):
    """How facility water and air follow the weather."""

    heat_rejection: Literal["tower", "dry"] = Field(
        default="tower", description="tower: wet bulb + approach; dry: dry bulb + approach"
    )
    approach_c: float | None = quantity(
        "K",
        "Facility water above the weather. Default: tower 4 K [M, 3 to 5], dry 7 K [S, 6 to 8]",
        None,
        ge=0,
        le=40,
    )
    water_set_c: float = quantity("°C", "Coldest facility water. Default [A]", 20, ge=0, le=60)
    air_derate: Percent = quantity(
        "%/K", "Air cooling lost per kelvin. Default [T]", "0.7 %", ge=0, le=10
    )
    air_rating_c: float = quantity("°C", "Dry bulb of full air cooling. Default [A]", 35, le=60)


class UtilityFile(Record):
    """Grid feeds."""

    feeds: int = Field(default=2, description="Feeds of the site. Default [D]", ge=1, le=8)
    mva: float = quantity("MVA", "Rating of one feed. Default [D]", 30, gt=0, le=1e5)
    power_factor: float = Field(
        default=0.95, description="Of feeds, transformers and busways. Default [T]", gt=0, le=1
    )


class FabricFile(Record):
    """The compute network."""

    kind: Literal["rail-optimised"] = Field(
        default="rail-optimised", description="Shape of the fabric"
    )
    rails: int = Field(default=8, description="Leaf switches of an array. Default [D]", ge=1, le=64)
    link_gbps: float = quantity("Gb/s", "One link. Default [T]: 400 GbE", 400, gt=0, le=1e5)
    efficiency: Percent = quantity(
        "%", "Usable part of a link. Default [T]: 95 %, vendor claim", "95 %", gt=0, le=100
    )
    oversubscription: float = Field(
        default=1, description="Down- to uplinks. Default [T]: 1", ge=1, le=100
    )
    joins: Literal["array", "pod", "hall", "site"] = Field(
        default="site",
        description="Largest domain that the fabric connects; hall: each hall has its own, and "
        "jobs that must not span two say `required: hall`. Default [A]",
    )


class PricesFile(Record):
    """What the site pays."""

    energy_usd_per_mwh: float = quantity(
        "$/MWh", "Energy. Default [A]: 65, seen 50 to 94", 65, ge=0, le=1e5
    )
    pue: float | None = Field(
        default=None,
        description="Facility over IT power. Default [D]: from cooling and weather",
        ge=1,
        le=5,
    )
    move_usd_per_gpu: float = quantity("$", "Moving one GPU's work", 0, ge=0, le=1e6)


class SwingFile(Record):
    """Largest synchronous swing that is tolerated. Default: not limited."""

    site_mw: float | None = quantity("MW", "Whole site: batteries and grid", None, ge=0, le=1e5)
    utility_kw: float | None = quantity("kW", "Each utility feed", None, ge=0, le=1e6)
    transformer_kw: float | None = quantity("kW", "Each transformer", None, ge=0, le=1e6)
    ups_kw: float | None = quantity("kW", "Each UPS", None, ge=0, le=1e6)
    busway_kw: float | None = quantity("kW", "Each busway", None, ge=0, le=1e6)

    def of_kind(self, kind: str) -> float | None:
        """Return the limit in kW of a kind of power node, None if there is none."""
        limits = {
            "utility": self.utility_kw,
            "transformer": self.transformer_kw,
            "ups": self.ups_kw,
            "busway": self.busway_kw,
        }
        return limits.get(kind)


class SiteFile(Record):
    """A site in a few dozen lines."""

    name: str = Field(description="Name of the site", pattern=NAME)
    ambient: AmbientFile = Field(description="Weather")
    power_basis: Literal["nameplate", "observed_peak", "percentile"] = Field(
        description="Which power figure the plan stands on; an explicit choice of the operator"
    )
    halls: list[HallFile] = Field(description="Halls", min_length=1, max_length=1000)
    plant: PlantFile = Field(default_factory=PlantFile, description="Heat rejection")
    utility: UtilityFile = Field(default_factory=UtilityFile, description="Grid feeds")
    arrays_per_pod: int = Field(
        default=16,
        description="Arrays behind the same spines. Default [D]: 8,192 GPUs",
        ge=1,
        le=10_000,
    )
    rack_types: dict[str, RackTypeFile] = Field(default={}, description="Own or changed rack types")
    failure_states: list[Component] = Field(
        default=["ups", "busway", "cdu"],
        description="Kinds of component whose loss is survived one by one",
    )
    failure_sets: list[list[str]] = Field(
        default=[], description="Further sets of components that fail together", max_length=10_000
    )
    fabric: FabricFile = Field(default_factory=FabricFile, description="Compute network")
    prices: PricesFile = Field(default_factory=PricesFile, description="What the site pays")
    swing: SwingFile = Field(
        default_factory=SwingFile, description="Limits of the synchronous swing"
    )
    power_action_s: int = quantity(
        "s", "Time until caps and sheds have taken effect. Default [A]", 5, ge=0, le=3600
    )
    isolation_ladder: dict[Rung, list[Domain]] = Field(
        default={},
        description="Domains that an isolation level makes exclusive. Default: its own level",
    )
