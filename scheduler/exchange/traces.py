"""Public traces as workloads: ``python -m scheduler.exchange.traces philly|acme``.

The jobs of one moment of a trace are repeated until they ask for a share of the site's GPUs, and
are written as a workload file. See ``docs/traces.md`` for every choice that this takes.
"""

from __future__ import annotations

import argparse
import math
import shlex
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from scheduler.exchange import acme, philly
from scheduler.exchange.moment import (
    Moment,
    densest,
    replicated,
    thinned,
    usable_gpus,
    workload_text,
)
from scheduler.inputs import InputError, read_site_file
from scheduler.model.units import round_up

COMMAND = "python -m scheduler.exchange.traces"


def philly_moment(
    trace: Path, target_gpus: int, *, at: str = "busiest", power: Path | None = None
) -> Moment:
    """Return the jobs that run at one moment of the Philly trace, repeated to `target_gpus`."""
    jobs = philly.read_jobs(trace)
    moment_s = philly.moment_of(at, jobs)
    running = philly.running_at(jobs, moment_s)
    time = f"{datetime.fromtimestamp(moment_s, UTC):%Y-%m-%dT%H:%M}"
    if not running:
        raise ValueError(f"{trace}: expected jobs that run at {time}, got none")
    asked = sum(job.gpus for job in running)
    what = f"{len(running)} jobs on {asked} GPUs run at {time} UTC."
    return Moment(
        name="philly",
        header=(*philly.SOURCE, what),
        tenants=philly.tenants(jobs),
        profiles=acme.profiles(power),
        jobs=replicated(running, target_gpus),
    )


def acme_moment(
    trace: Path, target_gpus: int, *, at: str = "densest", power: Path | None = None
) -> Moment:
    """Return Kalos arrivals that ask for `target_gpus`: the densest stretch, or an even part."""
    jobs = acme.read_jobs(trace)
    chosen = densest(jobs, target_gpus) if at == "densest" else thinned(jobs, target_gpus)
    if not chosen:
        raise ValueError(f"{trace}: expected jobs for {target_gpus} GPUs, got none of {len(jobs)}")
    asked = sum(job.gpus for job in chosen)
    days = (chosen[-1].start_s - chosen[0].start_s) / 86_400
    what = f"{len(chosen)} jobs on {asked} GPUs that arrive within {days:.1f} days."
    return Moment(
        name="acme",
        header=(*acme.SOURCE, what),
        tenants=acme.tenants(jobs),
        profiles=acme.profiles(power),
        jobs=replicated(chosen, target_gpus),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 2 and one line on stderr for bad input."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    options = parser().parse_args(words)
    try:
        site = read_site_file(options.site)
        target_gpus = round_up(options.load, usable_gpus(site))
        if options.name == "philly":
            moment = philly_moment(options.trace, target_gpus, at=options.at, power=options.power)
        else:
            moment = acme_moment(options.trace, target_gpus, at=options.at, power=options.power)
        text = workload_text(moment, site, seed=options.seed, merge=options.merge)
        command = f"# Made by: {COMMAND} {shlex.join(words)}\n"
        options.out.write_text(command + text, encoding="utf-8")
    except InputError as error:
        print(*error.mistakes, sep="\n", file=sys.stderr)
        return 2
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    asked = sum(job.gpus for job in moment.jobs)
    print(f"{options.out}: {len(moment.jobs)} traced jobs on {asked} GPUs, target {target_gpus}")
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--trace", type=Path, required=True, help="CSV file of the trace")
    common.add_argument("--site", type=Path, required=True, help="site file to scale to")
    common.add_argument("--out", type=Path, required=True, help="workload file to write")
    common.add_argument(
        "--power", type=Path, help="Acme's power distribution as CSV; else its known quantiles"
    )
    common.add_argument(
        "--load", type=_positive, default=1.1, help="GPUs asked for / GPUs of the site (1.1)"
    )
    common.add_argument("--seed", type=int, default=0, help="draws the values of the jobs (0)")
    common.add_argument(
        "--merge",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="write equal one-unit jobs of a tenant as one elastic job",
    )
    command = argparse.ArgumentParser(prog=COMMAND, description="A public trace as a workload.")
    traces = command.add_subparsers(dest="name", required=True)
    of_philly = traces.add_parser("philly", parents=[common], help="jobs running at one moment")
    of_philly.add_argument(
        "--at", default="busiest", help="busiest, or a time in UTC such as 2017-10-21T23:00"
    )
    of_acme = traces.add_parser("acme", parents=[common], help="gangs of up to 1,024 GPUs")
    of_acme.add_argument(
        "--at",
        choices=("densest", "all"),
        default="densest",
        help="the densest stretch of arrivals, or an even part of all",
    )
    return command


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text}")
    return number


if __name__ == "__main__":
    sys.exit(main())
