"""``rackwatt risk``: what failures, weather and load do to a plan, and what that costs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from scheduler.cli.console import BROKEN, print_json, print_notes


def command(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR | SITE WORKLOAD PLAN", help="What `plan` wrote, or three files."
        ),
    ],
    samples: Annotated[
        int, typer.Option(min=128, max=1_000_000, help="Months that are sampled.")
    ] = 100_000,
    seed: Annotated[
        int, typer.Option(min=0, max=2**63 - 1, help="The same seed gives the same numbers.")
    ] = 0,
    rates: Annotated[
        Path | None, typer.Option(help="Failure rates that override the built-in ones: YAML.")
    ] = None,
    weather: Annotated[
        Path | None, typer.Option(help="Hourly dry and wet bulb temperatures: CSV.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for risk.json and risk.csv.")
    ] = None,
    backend: Annotated[str, typer.Option(help="Who computes: auto, cpu or cuda.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print risk.json on stdout.")] = False,
) -> None:
    """Sample months of failures, weather and load: hours over limits, credits, margin.

    Exit codes: 0 done, 1 the plan breaks a limit when nothing has failed or after a failure that
    it must survive, 2 bad input.
    """
    from scheduler.cli.reading import backend_of, listing_mistakes, planned
    from scheduler.cli.risk_tables import print_risk
    from scheduler.inputs import read_rates, read_weather
    from scheduler.questions.risk import assess, csv_of, record_of
    from scheduler.write import as_json as json_of
    from scheduler.write import prepare_folder, write_together

    chosen = backend_of(backend)
    if out is not None:
        prepare_folder(out)
    problem, plan = planned(paths)
    figures = listing_mistakes(lambda: read_rates(rates, problem.site))
    hours = () if weather is None else listing_mistakes(lambda: read_weather(weather))
    found = assess(
        problem,
        plan,
        figures,
        samples=samples,
        seed=seed,
        hours=hours,
        backend=chosen,
        told=lambda done: print(f"{done:,} of {samples:,} months", file=sys.stderr),
    )
    record = record_of(found)
    if out is not None:
        write_together(out, {"risk.json": json_of(record), "risk.csv": csv_of(record)})
    if as_json:
        print_json(record)
    else:
        print_risk(record, out)
    print_notes(found.notes)
    if not found.verdict.checked:
        print_notes((f"the plan breaks {len(found.verdict.broken):,} limits: see rackwatt check",))
        raise typer.Exit(BROKEN)
