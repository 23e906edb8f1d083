"""Facts as plain data for the page: columns for racks, indices instead of repeated names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from scheduler.report.facts import Facts
from scheduler.report.money_words import power_left, sums
from scheduler.report.offer_data import offers_data
from scheduler.report.site_data import Data, loops_data, nodes_data, racks_data, states_data
from scheduler.words import clean


def page_data(facts: Facts) -> Data:
    """Return everything that the page draws. All text is cleaned, nothing of it is markup."""
    site, plan, jobs = facts.problem.site, facts.plan, facts.problem.jobs
    tenants = {each.name: t for t, each in enumerate(facts.tenants)}
    placed = {name: j for j, name in enumerate(name for name in jobs if plan.placed_units(name))}
    racks = {name: r for r, name in enumerate(site.racks)}
    pods = list(dict.fromkeys(rack.pod for rack in site.racks.values()))
    loops = {each.name: i for i, each in enumerate(facts.loops)}
    nodes = {each.name: i for i, each in enumerate(facts.nodes)}
    types = {name: i for i, name in enumerate(site.rack_types)}
    data: Data = {
        "site": site.name,
        "types": [{"name": name} for name in site.rack_types],
        "jobs": [{"name": name, "tenant": tenants[jobs[name].tenant]} for name in placed],
        "pods": pods,
        "halls": [
            {"name": each.name, "columns": each.columns, "lines": each.lines}
            for each in facts.floor
        ],
        "racks": racks_data(facts, tenants, placed, types, nodes, loops),
        "nodes": nodes_data(facts, nodes),
        "states": states_data(facts, nodes, racks),
        "loops": loops_data(facts),
        "spreads": _spreads(facts, pods),
        "tenants": _tenants(facts),
        "contracts": _contracts(facts),
        "money": {"sums": sums(facts), "worth": _worth(facts)},
        "course": _course(facts),
        "gangs": [
            {
                "gpu": each.gpu_type,
                "isolation": each.isolation,
                "within": each.within,
                "nodes": each.nodes,
                "count": each.count,
            }
            for each in facts.gangs
        ],
        "gpus": [{"type": each.gpu_type, **each.record()} for each in facts.gpus],
        "powerLeft": power_left(facts),
        "told": [
            {
                "grade": each.grade,
                "rule": each.rule,
                "text": each.text,
                "left": each.left_permille,
                "jobs": each.jobs,
            }
            for each in facts.told
        ],
        "unplaced": [
            {
                "job": each.job,
                "tenant": each.tenant,
                "gpus": each.gpus,
                "missing": each.missing_gpus,
                "reason": each.reason,
            }
            for each in facts.unplaced
        ],
        "difference": _difference(facts, racks),
        "offers": offers_data(facts.recorded.offer),
    }
    cleaned = _cleaned(data)
    assert isinstance(cleaned, dict)
    return cleaned


def _worth(facts: Facts) -> list[str]:
    """Return what more of scarce limits would be worth, if the recorded bound is of this plan."""
    prices = facts.recorded.run.prices
    return [price.words for price in prices] if facts.is_of_this_plan else []


def _course(facts: Facts) -> list[tuple[float, float, float | None]]:
    """Return how the search went, if it is this plan's and took more than one step."""
    course = facts.recorded.run.course
    return list(course) if facts.is_of_this_plan and len(course) > 1 else []


def _spreads(facts: Facts, pods: Iterable[str]) -> list[Data]:
    return [
        {
            "job": each.job,
            "tenant": each.tenant,
            "gpus": each.gpus,
            "racks": each.racks,
            "arrays": each.arrays,
            "fewest": each.fewest_arrays,
            "hops": each.hops,
            "required": each.required,
            "preferred": each.preferred,
            "pods": [each.gpus_in_pod.get(pod, 0) for pod in pods],
        }
        for each in facts.spreads
    ]


def _tenants(facts: Facts) -> list[Data]:
    return [
        {
            "name": each.name,
            "external": each.external,
            "isolation": each.isolation,
            "asked": each.asked_gpus,
            "placed": each.placed_gpus,
            "racks": each.racks,
            "where": each.where,
            "alone": each.alone,
            "broken": each.broken,
            "margin": each.margin_mills,
        }
        for each in facts.tenants
    ]


def _contracts(facts: Facts) -> list[Data]:
    return [
        {
            "name": each.name,
            "tenant": each.tenant,
            "firm": each.firm,
            "promised": each.promised_gpus,
            "held": each.held_gpus,
            "counted": each.counted_gpus,
            "verdict": each.verdict,
            "bad": each.counted_gpus is not None and each.counted_gpus < each.promised_gpus,
            "survives": ", ".join(each.survives),
            "lost": each.worst_loss_gpus,
            "loss": each.worst_loss,
            "price": each.price_mills_per_gpu_h,
            "notice": each.notice_days,
        }
        for each in facts.contracts
    ]


def _difference(facts: Facts, racks: Mapping[str, int]) -> Data | None:
    found = facts.differences
    if found is None:
        return None

    def there(units: Mapping[str, int]) -> list[list[int]]:
        return [[racks[name], count] for name, count in units.items() if name in racks]

    words = (
        f"{found.moved_gpus:,} GPUs lie on other racks, {found.started_gpus:,} are new and "
        f"{found.stopped_gpus:,} are gone. The map shows it under the colouring Difference; "
        "a job that is picked out here shows its moves."
    )
    if found.gone:
        words += f" {len(found.gone):,} racks of the other plan are not on this site."
    return {
        "words": words,
        "jobs": [
            {
                "job": each.job,
                "moved": each.moved,
                "more": each.more,
                "fewer": each.fewer,
                "left": there(each.left),
                "came": there(each.came),
            }
            for each in found.jobs
        ],
    }


def _cleaned(value: object) -> object:
    """Return plain data with every text cleaned of control and bidirectional characters."""
    if isinstance(value, str):
        return value if value.isascii() and value.isprintable() else clean(value)
    if isinstance(value, dict):
        return {str(_cleaned(key)): _cleaned(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(each) for each in value]
    return value
