"""What ``rackwatt offer`` prints: the answer, the frontier, what goes, the price, whose money."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from scheduler.cli.console import output, safe, table
from scheduler.cli.offer_deal_lines import checked, print_deal, usd
from scheduler.questions.offer.fit import Fits
from scheduler.questions.offer.power import most_w, promised_w
from scheduler.words import gpu_count, money, power

if TYPE_CHECKING:
    from rich.console import Console

    from scheduler.model import Offer, Problem
    from scheduler.questions.offer.answer import Answer, Weighed
    from scheduler.questions.offer.block import Block
    from scheduler.questions.offer.together import Together

MOST_ROWS = 5  # jobs that are listed one by one
NUMBERS = ("GPUs", "MW", "GPUs at most", "MW at most")


def print_answer(found: Answer, folder: Path | None) -> None:
    """Print the answer for people."""
    console = output()
    without = found.without
    console.print(
        f"without an offer: margin {money(without.score.margin_mills)}, at most "
        f"{money(without.bound_mills)} possible, {checked(without.verdict.checked)}"
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
        print_deal(console, found, weighed.deal, asked_gpus=offer.gpus)


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
        pieces.append(usd(Fraction(contract.price_mills_per_gpu_h)))
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
