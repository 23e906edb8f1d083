"""What ``rackwatt offer`` prints: the answer, the frontier, what goes, the price, whose money."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from scheduler.cli.console import output, safe, table
from scheduler.questions.offer.fit import Fits
from scheduler.questions.offer.power import most_w, promised_w
from scheduler.words import gpu_count, money, percent, power, quantity

if TYPE_CHECKING:
    from rich.console import Console

    from scheduler.model import Offer, Problem
    from scheduler.questions.offer.answer import Answer, Weighed
    from scheduler.questions.offer.block import Block
    from scheduler.questions.offer.concentration import Revenue
    from scheduler.questions.offer.deal import Deal
    from scheduler.questions.offer.price import BreakEven
    from scheduler.questions.offer.together import Together

MOST_ROWS = 5  # jobs that are listed one by one
NUMBERS = ("GPUs", "MW", "GPUs at most", "MW at most")


def print_answer(found: Answer, folder: Path | None) -> None:
    """Print the answer for people."""
    console = output()
    without = found.without
    console.print(
        f"without an offer: margin {money(without.score.margin_mills)}, at most "
        f"{money(without.bound_mills)} possible, {_checked(without.verdict.checked)}"
    )
    if not found.weighed:
        for line in found.lines:
            console.print(safe(line))
        return
    for weighed in found.weighed:
        console.print()
        _print_weighed(console, found, weighed)
    if found.together is not None:
        console.print()
        _print_together(console, found.together, len(found.weighed))
    if folder is not None:
        console.print(f"Files in {safe(str(folder))}: offer.json, frontier.csv, plans by folder")


def _print_weighed(console: Console, found: Answer, weighed: Weighed) -> None:
    problem, offer = found.problem, weighed.offer
    console.print(f"[bold]{safe(offer.name)}[/bold] asks for {_asked(problem, offer)}")
    console.print(_fits(problem, weighed))
    for line in weighed.fit.lines:
        console.print(f"- {safe(line)}")
    _frontier(console, problem, offer, "isolation", weighed.by_isolation)
    _frontier(console, problem, offer, "survives the loss of", weighed.by_redundancy)
    if weighed.deal is not None:
        _print_deal(console, found, weighed.deal, asked_gpus=offer.gpus)


def _asked(problem: Problem, offer: Offer) -> str:
    contract = offer.contract
    pieces = [f"{gpu_count(offer.gpus)} of {' or '.join(map(safe, contract.gpu_types))}"]
    if offer.asked_w is not None:
        basis = problem.site.power_basis.replace("_", " ")
        pieces = [f"{power(offer.asked_w)} of IT on the basis {basis}: {pieces[0]}"]
    pieces.append(f"{offer.tenant.isolation} isolation")
    if contract.sla.survives:
        pieces.append(
            f"survives the loss of any one {' or '.join(map(safe, contract.sla.survives))}"
        )
    if contract.sla.spare_permille:
        pieces.append(f"{contract.sla.spare_permille / 10:g} % spare")
    if offer.is_priced:
        pieces.append(_usd(Fraction(contract.price_mills_per_gpu_h)))
    if contract.term_days is not None:
        pieces.append(f"{contract.term_days:,} days")
    if contract.take_or_pay:
        pieces.append("take-or-pay")
    elif contract.notice_days is not None:
        pieces.append(f"{contract.notice_days:,} days' notice")
    if offer.starts:
        pieces.append(f"from {offer.starts}")
    return ", ".join(pieces)


def _fits(problem: Problem, weighed: Weighed) -> str:
    offer, block = weighed.offer, weighed.fit.block
    per_unit = offer.contract.gpus_per_unit
    size = (
        f"the largest block is {gpu_count(block.units * per_unit)} "
        f"({power(promised_w(problem, offer, block.plan, block.units))})"
    )
    most = "proven" if block.is_proven else f"at most {block.bound_units * per_unit:,} can be"
    word = {
        Fits.YES: "It fits as it is asked for",
        Fits.NO: "It does not fit as it is asked for",
        Fits.OPEN: "Whether it fits is open: neither a plan nor a proof was found",
    }[weighed.fit.fits]
    return f"{word}; {size}, {most}."


def _frontier(
    console: Console, problem: Problem, offer: Offer, series: str, blocks: Iterable[Block]
) -> None:
    shown = table(series, *NUMBERS, "as asked", numbers=NUMBERS)
    per_unit, asked = offer.contract.gpus_per_unit, offer.contract.units
    for block in blocks:
        label = str(block.terms.isolation) if series == "isolation" else block.terms.redundancy
        fits = "fits" if block.units >= asked else "no" if block.bound_units < asked else "open"
        shown.add_row(
            safe(label),
            f"{block.units * per_unit:,}",
            f"{promised_w(problem, offer, block.plan, block.units) / 1e6:,.3f}",
            f"{block.bound_units * per_unit:,}",
            f"{most_w(problem, offer, block.bound_units) / 1e6:,.3f}",
            fits,
        )
    console.print(shown)


def _print_deal(console: Console, found: Answer, deal: Deal, *, asked_gpus: int) -> None:
    price, solution = deal.price, deal.solution
    scope = "" if deal.offer.gpus == asked_gpus else f" for the block of {gpu_count(price.gpus)}"
    console.print(
        f"accept at or above {_usd(Fraction(price.accept_mills))}{scope} "
        f"({_usd_month(price)}); {_interval(price)}"
    )
    parts = [f"displaced {_usd(price.displaced)}", f"energy {_usd(price.energy)}"]
    if price.capex:
        parts.append(f"capex {_usd(price.capex)}")
    if deal.offer.credit_permille:
        parts.append(f"divided by {1 - deal.offer.credit_permille / 1000:g} for expected credits")
    console.print(f"of which {', '.join(parts)}")
    if deal.gain_mills is not None:
        verb = "gains" if deal.gain_mills >= 0 else "loses"
        asked = _usd(Fraction(deal.offer.contract.price_mills_per_gpu_h))
        console.print(f"at {asked} it {verb} {money(abs(deal.gain_mills))}")
    console.print(
        f"plan with it: {_checked(solution.verdict.checked)}, margin "
        f"{money(solution.score.margin_mills)}, at most {money(solution.bound_mills)} possible"
    )
    _losses(console, deal)
    _moves(console, deal)
    _revenue(console, found.revenue, deal.revenue)


def _interval(price: BreakEven) -> str:
    if price.is_exact:
        return "exact: both plans are proven the best"
    low = "unknown" if price.low is None else _usd(price.low)
    high = "unknown" if price.high is None else _usd(price.high)
    return f"with the best plans there may be: between {low} and {high}"


def _losses(console: Console, deal: Deal) -> None:
    if not deal.losses:
        console.print("nothing is displaced")
        return
    gpus = sum(each.gpus for each in deal.losses)
    mills = sum(each.mills_per_h for each in deal.losses)
    shown = table("displaced", "tenant", "GPUs", "$/h", numbers=("GPUs", "$/h"))
    for each in deal.losses[:MOST_ROWS]:
        shown.add_row(
            safe(each.job), safe(each.tenant), f"{each.gpus:,}", f"{each.mills_per_h / 1000:,.2f}"
        )
    if len(deal.losses) > MOST_ROWS:
        rest = deal.losses[MOST_ROWS:]
        rest_usd = sum(each.mills_per_h for each in rest) / 1000
        gpus_of_rest = sum(each.gpus for each in rest)
        shown.add_row(f"{len(rest):,} more", "", f"{gpus_of_rest:,}", f"{rest_usd:,.2f}")
    shown.add_row("in all", "", f"{gpus:,}", f"{mills / 1000:,.2f}")
    console.print(shown)


def _moves(console: Console, deal: Deal) -> None:
    room = [each for each in deal.moves if each.makes_room]
    others = len(deal.moves) - len(room)
    if not deal.moves:
        console.print("nothing moves")
        return
    named = ", ".join(f"{safe(each.job)} ({gpu_count(each.gpus)})" for each in room[:MOST_ROWS])
    more = f" and {len(room) - MOST_ROWS:,} more" if len(room) > MOST_ROWS else ""
    gpus = sum(each.gpus for each in room)
    console.print(
        f"moves that make room: {quantity(len(room), 'jobs')}, {gpu_count(gpus)}"
        + (f": {named}{more}" if room else "")
        + f"; moves besides, as this plan happens to lie: {quantity(others, 'jobs')}"
    )


def _revenue(console: Console, before: Revenue, after: Revenue) -> None:
    shown = table("contracted revenue", "without", "with", numbers=("without", "with"))
    rows = (
        ("in all", *(money(each.total_mills) for each in (before, after))),
        ("top tenant", *(safe(each.top_tenant) or "-" for each in (before, after))),
        ("its share", *(percent(each.top_share) for each in (before, after))),
        ("HHI", *(f"{each.hhi:,.0f}" for each in (before, after))),
        ("take-or-pay", *(money(each.take_or_pay_mills) for each in (before, after))),
        ("cancellable by notice", *(money(each.cancellable_mills) for each in (before, after))),
        ("neither", *(money(each.other_mills) for each in (before, after))),
    )
    for row in rows:
        shown.add_row(*row)
    console.print(shown)


def _print_together(console: Console, found: Together, count: int) -> None:
    word = {
        Fits.YES: "fit together",
        Fits.NO: "do not fit together: at least "
        f"{gpu_count(found.least_unmet_gpus)} would be unmet",
        Fits.OPEN: f"may not fit together: {gpu_count(found.unmet_gpus)} were unmet, unproven",
    }[found.fits]
    console.print(f"[bold]together[/bold]: the {count} offers {word}")
    taken = ", ".join(map(safe, found.taken)) or "none"
    cost = f", {money(found.lost_mills)} less than" if found.lost_mills > 0 else ", no less than"
    console.print(
        f"best choice: {taken}; gains {money(found.gain_mills)}{cost} what each would gain alone "
        f"({money(found.gains_alone_mills)} in all)"
    )


def _checked(holds: bool) -> str:
    return "checked" if holds else "BROKEN"


def _usd(mills: Fraction) -> str:
    """Return a price with mills where it has any."""
    sign = "-" if mills < 0 else ""
    return f"{sign}${abs(float(mills)) / 1000:,.3f}/GPU-h"


def _usd_month(price: BreakEven) -> str:
    return f"${float(price.per_mw_month(price.planned)) / 1000:,.0f}/MW-month"
