"""What ``rackwatt offer`` prints of a deal: its price, what goes and moves, whose money it is."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from scheduler.cli.console import safe, table
from scheduler.words import gpu_count, money, percent, quantity

if TYPE_CHECKING:
    from rich.console import Console

    from scheduler.questions.offer.answer import Answer
    from scheduler.questions.offer.concentration import Revenue
    from scheduler.questions.offer.deal import Deal
    from scheduler.questions.offer.price import BreakEven

MOST_ROWS = 5  # jobs that are listed one by one


def print_deal(console: Console, found: Answer, deal: Deal, *, asked_gpus: int) -> None:
    """Print the price of a deal, what it displaces and moves, and the revenue with it."""
    price, solution = deal.price, deal.solution
    scope = "" if deal.offer.gpus == asked_gpus else f" for the block of {gpu_count(price.gpus)}"
    console.print(
        f"accept at or above {usd(Fraction(price.accept_mills))}{scope} "
        f"({_usd_month(price)}); {_interval(price)}"
    )
    parts = [f"displaced {usd(price.displaced)}", f"energy {usd(price.energy)}"]
    if price.capex:
        parts.append(f"capex {usd(price.capex)}")
    if deal.offer.credit_permille:
        parts.append(f"divided by {1 - deal.offer.credit_permille / 1000:g} for expected credits")
    console.print(f"of which {', '.join(parts)}")
    if deal.gain_mills is not None:
        verb = "gains" if deal.gain_mills >= 0 else "loses"
        asked = usd(Fraction(deal.offer.contract.price_mills_per_gpu_h))
        console.print(f"at {asked} it {verb} {money(abs(deal.gain_mills))}")
    console.print(
        f"plan with it: {checked(solution.verdict.checked)}, margin "
        f"{money(solution.score.margin_mills)}, at most {money(solution.bound_mills)} possible"
    )
    _losses(console, deal)
    _moves(console, deal)
    _revenue(console, found.revenue, deal.revenue)


def _interval(price: BreakEven) -> str:
    if price.is_exact:
        return "exact: both plans are proven the best"
    low = "unknown" if price.low is None else usd(price.low)
    high = "unknown" if price.high is None else usd(price.high)
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


def checked(holds: bool) -> str:
    """Say whether the check found every limit kept."""
    return "checked" if holds else "BROKEN"


def usd(mills: Fraction) -> str:
    """Return a price with mills where it has any."""
    sign = "-" if mills < 0 else ""
    return f"{sign}${abs(float(mills)) / 1000:,.3f}/GPU-h"


def _usd_month(price: BreakEven) -> str:
    return f"${float(price.per_mw_month(price.planned)) / 1000:,.0f}/MW-month"
