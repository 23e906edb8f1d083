"""The model: frozen records over names, integers in base units, standard library only."""

from scheduler.model.finding import MOST_JOBS, Finding, Kind, largest_first
from scheduler.model.levels import Level
from scheduler.model.offer import Offer
from scheduler.model.plan import Plan
from scheduler.model.problem import Problem, buddy_sizes, slots_per_unit
from scheduler.model.site import (
    NORMAL,
    BaseLoad,
    Fabric,
    FailureState,
    Hall,
    Loop,
    Plant,
    PowerNode,
    Prices,
    Rack,
    RackType,
    Recirculation,
    Site,
    Weather,
)
from scheduler.model.workload import Conflict, Contract, Job, PowerProfile, Sla, Tenant, Workload

__all__ = [
    "MOST_JOBS",
    "NORMAL",
    "BaseLoad",
    "Conflict",
    "Contract",
    "Fabric",
    "FailureState",
    "Finding",
    "Hall",
    "Job",
    "Kind",
    "Level",
    "Loop",
    "Offer",
    "Plan",
    "Plant",
    "PowerNode",
    "PowerProfile",
    "Prices",
    "Problem",
    "Rack",
    "RackType",
    "Recirculation",
    "Site",
    "Sla",
    "Tenant",
    "Weather",
    "Workload",
    "buddy_sizes",
    "largest_first",
    "slots_per_unit",
]
