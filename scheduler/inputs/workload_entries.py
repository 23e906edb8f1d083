"""Single entries of the workload file as records of the model."""

from __future__ import annotations

from scheduler.inputs.workload_file import ProfileEntry, SlaEntry, TenantEntry
from scheduler.model import Conflict, Level, PowerProfile, Sla, Tenant

# (uptime below, part of the monthly fee), thousandths: common practice of GPU clouds [A].
STANDARD_CREDITS = ((995, 100), (990, 250), (950, 1000))


def tenant_of(entry: TenantEntry) -> Tenant:
    """Return the tenant; a conflict without a level is one of racks."""
    conflicts = tuple(
        Conflict(tenant=each, level=Level.RACK)
        if isinstance(each, str)
        else Conflict(tenant=each.tenant, level=each.level)
        for each in entry.conflicts
    )
    external = entry.kind == "external"
    return Tenant(
        name=entry.name, external=external, isolation=entry.isolation, conflicts=conflicts
    )


def profile_of(entry: ProfileEntry) -> PowerProfile:
    """Return the power profile."""
    return PowerProfile(
        name=entry.name,
        mean_permille=entry.mean,
        peak_permille=entry.peak,
        cap_permille=entry.cap,
        swing_permille=entry.swing,
        synchronous=entry.synchronous,
        source=entry.source,
    )


def sla_of(entry: SlaEntry | None) -> Sla:
    """Return the service level; nothing is promised where nothing is written."""
    if entry is None:
        return Sla()
    tiers = (
        STANDARD_CREDITS
        if entry.credits == "standard"
        else tuple((each.uptime_below, each.credit) for each in entry.credits)
    )
    return Sla(survives=entry.survives, spare_permille=entry.spare_nodes, credit_tiers=tiers)
