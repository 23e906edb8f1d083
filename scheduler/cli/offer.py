"""``rackwatt offer``: does an offer fit, what does it displace, at which price does it pay?"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scheduler.cli.console import BROKEN, INTERRUPTED, fail, print_json

if TYPE_CHECKING:
    from scheduler.cli.watching import Recorder
    from scheduler.questions.offer import Answer

SAVE_SHARE = 0.04  # of the time limit, for writing and printing


def command(
    site: Annotated[Path, typer.Argument(help="Site: YAML, JSON, or a folder of tables.")],
    workload: Annotated[Path, typer.Argument(help="Workload: YAML, JSON, or a folder of tables.")],
    offer: Annotated[Path, typer.Argument(help="Offers: a YAML or JSON file.")],
    current: Annotated[
        Path | None, typer.Option(help="The plan that runs now; moves away from it cost.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same search.")] = 0,
    time_limit: Annotated[
        float, typer.Option("--time-limit", min=0.1, max=604_800, help="Seconds, for all of it.")
    ] = 120.0,
    workers: Annotated[
        int, typer.Option(min=1, max=1024, help="Threads or processes of the planner.")
    ] = 2,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for offer.json, frontier.csv and plans.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print offer.json on stdout.")] = False,
) -> None:
    """Weigh offers: largest block, what each displaces, break-even price, concentration.

    Exit codes: 0 every offer fits as it is asked for, 1 one does not (or firm contracts are not
    met even without it), 2 bad input, 130 interrupted (what was found until then is told).
    """
    started = time.monotonic()  # what is imported now takes its time as well
    from scheduler.cli.offer_files import write_answer
    from scheduler.cli.offer_tables import print_answer
    from scheduler.cli.reading import offers_of, problem_of
    from scheduler.cli.watching import display_on_stderr, watched
    from scheduler.questions.offer import Budget, Fits, Solver, answer
    from scheduler.questions.offer.record import answer_record
    from scheduler.solve import EngineError
    from scheduler.write import prepare_folder

    if out is not None:
        prepare_folder(out)
    problem = problem_of(site, workload, current)
    offers = offers_of(offer, problem)

    def run(watch: Recorder) -> Answer:
        limit_s = time_limit * (1 - SAVE_SHARE)
        budget = Budget(limit_s, lambda step: _tell(step, started), watch.stopped, began=started)
        return answer(problem, offers, Solver(budget, seed=seed, workers=workers))

    try:
        found, interrupted = watched(run, lambda _: None, display_on_stderr(time_limit))
    except EngineError as error:
        fail(str(error))
    record = answer_record(found, time.monotonic() - started, interrupted=interrupted)
    if out is not None:
        write_answer(out, found, record, started)
    if as_json:
        print_json(record)
    else:
        print_answer(found, out)
    if interrupted:
        raise typer.Exit(INTERRUPTED)
    if not found.weighed or any(each.fit.fits is not Fits.YES for each in found.weighed):
        raise typer.Exit(BROKEN)


def _tell(step: str, started: float) -> None:
    """Print which step begins."""
    from scheduler.words import clean

    print(f"[{time.monotonic() - started:6.1f} s] {clean(step)}", file=sys.stderr, flush=True)
