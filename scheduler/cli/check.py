"""``rackwatt check``: is a plan really inside every limit?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scheduler.cli.console import BROKEN, output, print_json, safe

if TYPE_CHECKING:
    from scheduler.model import Finding

MOST_JOBS = 5  # jobs that are named with a broken limit


def command(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR | SITE WORKLOAD PLAN", help="What `plan` wrote, or three files."
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Verify a plan by rules that share no code with the planner; list every broken limit.

    Exit codes: 0 all limits hold, 1 a limit is broken, 2 bad input.
    """
    from scheduler.check import check
    from scheduler.cli.reading import planned
    from scheduler.model import Kind
    from scheduler.words import money
    from scheduler.write import finding_record

    problem, plan = planned(paths)
    verdict = check(problem, plan)
    looked_at = sum(1 for finding in verdict.findings if finding.kind is Kind.LIMIT)
    owed = [finding for finding in verdict.findings if finding.unmet]
    if as_json:
        print_json(
            {
                "checked": verdict.checked,
                "limits_looked_at": looked_at,
                "violation": verdict.violation,
                "unmet_firm_gpus": verdict.unmet_firm_gpus,
                "margin_usd_per_h": verdict.margin_mills / 1000,
                "broken": [finding_record(finding) for finding in verdict.broken],
                "owed": [finding_record(finding) for finding in owed],
            }
        )
    else:
        console = output()
        for finding in verdict.broken:
            console.print(_broken_line(finding), soft_wrap=False)
        for finding in owed:
            console.print(_owed_line(finding), soft_wrap=False)
        sentence = (
            f"OK: all {looked_at:,} limits hold"
            if verdict.checked
            else f"BROKEN: {len(verdict.broken):,} of {looked_at:,} limits"
        )
        console.print(
            f"{sentence}; unmet firm {verdict.unmet_firm_gpus:,} GPUs, "
            f"margin {money(verdict.margin_mills)}"
        )
    if not verdict.checked:
        raise typer.Exit(BROKEN)


def _broken_line(finding: Finding) -> str:
    from scheduler.words import quantity, some

    amount, limit = (quantity(each, finding.unit) for each in (finding.amount, finding.limit))
    jobs = f"; jobs: {some(finding.jobs, MOST_JOBS)}" if finding.jobs else ""
    message = f"; {finding.message}" if finding.message else ""
    return safe(
        f"{finding.term}: {finding.subject} ({finding.state}): {amount}, limit {limit}, "
        f"{quantity(finding.violation, finding.unit)} too much{jobs}{message}"
    )


def _owed_line(finding: Finding) -> str:
    from scheduler.words import quantity

    limit = quantity(finding.limit, finding.unit)
    return safe(
        f"{finding.term}: {finding.subject}: {finding.amount:,} of {limit}; {finding.message}"
    )
