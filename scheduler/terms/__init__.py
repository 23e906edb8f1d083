"""The rules of a site, one file each. `TERMS` is the table of contents: hard rules first."""

from scheduler.terms.air_cooling import AirCooling
from scheduler.terms.base import Term, Terrain
from scheduler.terms.conflicts import Conflicts
from scheduler.terms.contract_nodes import ContractNodes
from scheduler.terms.cooling_loops import CoolingLoops
from scheduler.terms.firm_contracts import FirmContracts
from scheduler.terms.gpu_temperature import GpuTemperature
from scheduler.terms.gpu_type import GpuType
from scheduler.terms.hardware_fit import HardwareFit
from scheduler.terms.inlet_temperature import InletTemperature
from scheduler.terms.isolation import Isolation
from scheduler.terms.locality import Locality
from scheduler.terms.margin import Margin
from scheduler.terms.power_failover import PowerFailover
from scheduler.terms.power_normal import PowerNormal
from scheduler.terms.power_swing import PowerSwing
from scheduler.terms.rack_capacity import RackCapacity
from scheduler.terms.return_temperature import ReturnTemperature
from scheduler.terms.sla_survival import SlaSurvival
from scheduler.terms.spread import Spread

TERMS: tuple[Term, ...] = (
    # space and hardware
    RackCapacity(),
    HardwareFit(),
    GpuType(),
    ContractNodes(),
    # power
    PowerNormal(),
    PowerFailover(),
    PowerSwing(),
    # heat
    CoolingLoops(),
    ReturnTemperature(),
    AirCooling(),
    InletTemperature(),
    GpuTemperature(),
    # tenants
    Isolation(),
    Conflicts(),
    Spread(),
    SlaSurvival(),
    # obligations and money
    FirmContracts(),
    Locality(),
    Margin(),
)

__all__ = ["TERMS", "Term", "Terrain"]
