"""From the offer file to offers: the tenant and the firm contract that each would become."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from scheduler.inputs.document import Document
from scheduler.inputs.mistakes import InputError, Loc, Mistakes, Plain
from scheduler.inputs.offer_file import OfferEntry, OffersFile
from scheduler.inputs.salvage import Gaps, Kept
from scheduler.inputs.validation import one_of, validate
from scheduler.inputs.workload_build import MILLS, W_PER_MW, convert_workload
from scheduler.inputs.workload_file import ContractEntry, TenantEntry, WorkloadFile
from scheduler.model import Offer, Problem, Site
from scheduler.model.units import PERMILLE, exact, round_down, round_up

HOURS_PER_MONTH = 730


def read_offers(path: Path, problem: Problem) -> tuple[Offer, ...]:
    """Read the offers at `path`, a YAML or JSON file, to be placed beside `problem`.

    Raises
    ------
    InputError
        With every mistake: the same as of contracts, and names that the workload has already.
    """
    mistakes = Mistakes()
    document = Document.load(Path(path), mistakes)
    read = None if document is None else validate(OffersFile, document, mistakes)
    mistakes.raise_if_any()
    assert document, "a reader that gives up says why"
    assert read, "a reader that gives up says why"
    offers = _build(read.offers, document, problem, mistakes)
    mistakes.raise_if_any()
    return offers


def _build(
    entries: list[OfferEntry], document: Document, problem: Problem, mistakes: Mistakes
) -> tuple[Offer, ...]:
    _check_names(entries, document, problem, mistakes)
    sizes = [_gpus(entry, problem.site) for entry in entries]
    for number, (entry, gpus) in enumerate(zip(entries, sizes, strict=True)):
        if gpus == 0 and entry.mw is not None:
            loc: Loc = ("offers", number, "mw")
            mistakes.add(document, loc, "enough megawatts for one GPU of the site", entry.mw)
    file = WorkloadFile(
        tenants=[
            TenantEntry(name=each.name, kind="external", isolation=each.isolation)
            for each in entries
        ],
        contracts=[_contract(each, gpus) for each, gpus in zip(entries, sizes, strict=True)],
    )
    found = Mistakes()
    workload = convert_workload(Kept(file), _AsOffers(document), found, problem.site, Gaps())
    _take_over(found, mistakes)
    if mistakes:
        return ()
    return tuple(
        Offer(
            name=entry.name,
            tenant=workload.tenants[entry.name],
            contract=replace(workload.contracts[entry.name], profile=entry.power),
            is_priced=entry.price_usd_per_gpu_h is not None,
            asked_w=None if entry.mw is None else round_down(_it_w(entry, problem.site)),
            starts=entry.start or "",
            capex_mills_per_gpu_h=_capex_mills(entry),
            credit_permille=entry.expected_credits,
        )
        for entry in entries
    )


def _check_names(
    entries: list[OfferEntry], document: Document, problem: Problem, mistakes: Mistakes
) -> None:
    """An offer is a new tenant, and its power profile one that the workload knows."""
    taken = {*problem.workload.tenants, *problem.jobs}
    for number, entry in enumerate(entries):
        loc: Loc = ("offers", number)
        if entry.name in taken:
            expected = "a name that no tenant, contract or job of the workload has"
            mistakes.add(document, (*loc, "name"), expected, entry.name)
        if entry.power not in problem.workload.profiles:
            expected = one_of(problem.workload.profiles, entry.power)
            mistakes.add(document, (*loc, "power"), expected, entry.power)


def _contract(entry: OfferEntry, gpus: int | None) -> ContractEntry:
    """Return the contract that the offer would become, but for its power profile."""
    return ContractEntry(
        tenant=entry.name,
        name=entry.name,
        units=entry.units,
        gpus=None if entry.units else gpus or 1,
        gpus_per_unit=entry.gpus_per_unit,
        gpu_types=entry.gpu_types,
        price_usd_per_gpu_h=entry.price_usd_per_gpu_h or 0.0,
        power_action=entry.power_action,
        within=entry.within,
        topology=entry.topology,
        sla=entry.sla,
        notice_days=entry.notice_days,
        term_days=entry.term_days,
        take_or_pay=entry.take_or_pay,
    )


def _gpus(entry: OfferEntry, site: Site) -> int | None:
    """Return the GPUs that are asked for: ``floor(asked_w * GPUs / W)`` over the allowed racks."""
    if entry.mw is None:
        return entry.gpus
    wanted = None if entry.gpu_types is None else {each.lower() for each in entry.gpu_types}
    types = [
        site.type_of(rack)
        for rack in site.racks.values()
        if not rack.drained and (wanted is None or site.type_of(rack).gpu_type.lower() in wanted)
    ]
    all_w = sum(site.basis_w(each) for each in types)
    if all_w == 0:
        return 1 if wanted else 0  # an unknown type is a mistake of its own
    return round_down(_it_w(entry, site) * sum(each.gpus for each in types) / all_w)


def _it_w(entry: OfferEntry, site: Site) -> Fraction:
    """Return the IT power that is asked for in megawatts, as an exact number of watts."""
    asked_w = exact(entry.mw or 0) * W_PER_MW
    return asked_w if entry.mw_at == "it" else asked_w * PERMILLE / site.prices.pue_permille


def _capex_mills(entry: OfferEntry) -> int:
    if entry.capex is None:
        return 0
    hours = entry.capex.months * HOURS_PER_MONTH
    return round_up(exact(entry.capex.usd_per_gpu) * MILLS / hours)


class _AsOffers:
    """Places of what offers became, back in the offer file."""

    def __init__(self, document: Document) -> None:
        self.document = document

    def where(self, loc: Loc) -> tuple[str, int]:
        """File and line of the offer that the value at `loc` comes from."""
        return self.document.where(("offers", *loc[1:]))


def _take_over(found: Mistakes, mistakes: Mistakes) -> None:
    """Add mistakes of tenants and contracts as mistakes of the offers that they come from."""
    try:
        found.raise_if_any()
    except InputError as error:
        for each in error.mistakes:
            field = _named(each.field, ("contracts", "tenants"))
            got = Plain(each.got)
            mistakes.add_at(each.file, each.line, field, each.expected, got, each.hint)


def _named(field: str, sections: Iterable[str]) -> str:
    section = next((each for each in sections if field.startswith(each)), None)
    return field if section is None else "offers" + field.removeprefix(section)
