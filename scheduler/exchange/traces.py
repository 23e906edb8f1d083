"""Public traces as workloads: ``rackwatt import philly|acme|openb``.

The jobs of one moment of a trace are repeated until they ask for a share of the site's GPUs, and
are written as a workload file. See ``docs/traces.md`` for every choice that this takes.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from scheduler.exchange import acme, openb, philly
from scheduler.exchange.exchanged import ExchangeError, Imported
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

DEFAULT_LOAD = 1.1  # GPUs asked for, as a multiple of the site's
DAY_S = 86_400


@dataclass(frozen=True, kw_only=True)
class Request:
    """Which moment of which trace, for which site."""

    trace: Path
    site: Path
    at: str
    power: Path | None = None  # Acme's power distribution; its known quantiles if None
    load: float = DEFAULT_LOAD
    seed: int = 0
    merge: bool = True
    nodes: Path | None = None  # the node list of openb

    def command(self, name: str, default_at: str) -> str:
        """Return the command that makes the same again."""
        words = ["rackwatt", "import", name, str(self.trace), "--site", str(self.site)]
        options = {
            "--at": (self.at, default_at),
            "--power": (self.power, None),
            "--load": (self.load, DEFAULT_LOAD),
            "--seed": (self.seed, 0),
            "--nodes": (self.nodes, None),
        }
        for option, (value, default) in options.items():
            words += [] if value == default else [option, str(value)]
        return shlex.join([*words, *([] if self.merge else ["--no-merge"])])


@dataclass(frozen=True)
class Traced:
    """A moment, and what of the trace has no place in it."""

    moment: Moment
    unmapped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def import_trace(name: str, request: Request) -> Imported:
    """Return ``workload.yaml`` for the site.

    Raises
    ------
    ExchangeError
        The trace or the site cannot be read, or nothing runs at that moment.
    """
    read, default_at = TRACES[name]
    try:
        site = read_site_file(request.site)
        target_gpus = round_up(request.load, usable_gpus(site))
        traced = read(request, target_gpus)
        text = workload_text(traced.moment, site, seed=request.seed, merge=request.merge)
    except InputError as error:
        raise ExchangeError([*map(str, error.mistakes)]) from None
    except OSError as error:
        raise ExchangeError([f"{error.filename}: {error.strerror}"]) from None
    except ValueError as error:
        raise ExchangeError([str(error)]) from None
    jobs = traced.moment.jobs
    asked = sum(job.gpus for job in jobs)
    words = f"{len(jobs)} traced jobs on {asked} GPUs, target {target_gpus}"
    made_by = f"# Made by: {request.command(name, default_at)}\n"
    return Imported(
        files={"workload.yaml": made_by + text},
        unmapped=traced.unmapped,
        notes=(words, *traced.notes),
    )


def philly_moment(request: Request, target_gpus: int) -> Traced:
    """Return the jobs that run at one moment of the Philly trace, repeated to `target_gpus`."""
    jobs = philly.read_jobs(request.trace)
    moment_s = philly.moment_of(request.at, jobs)
    running = philly.running_at(jobs, moment_s)
    time = f"{datetime.fromtimestamp(moment_s, UTC):%Y-%m-%dT%H:%M}"
    if not running:
        raise ValueError(f"{request.trace}: expected jobs that run at {time}, got none")
    asked = sum(job.gpus for job in running)
    what = f"{len(running)} jobs on {asked} GPUs run at {time} UTC."
    return Traced(
        Moment(
            name="philly",
            header=(*philly.SOURCE, what),
            tenants=philly.tenants(jobs),
            profiles=acme.profiles(request.power),
            jobs=replicated(running, target_gpus),
        )
    )


def acme_moment(request: Request, target_gpus: int) -> Traced:
    """Return Kalos arrivals that ask for `target_gpus`: the densest stretch, or an even part."""
    jobs = acme.read_jobs(request.trace)
    if request.at not in ("densest", "all"):
        raise ValueError(f"--at: expected one of densest, all, got {request.at}")
    choose = densest if request.at == "densest" else thinned
    chosen = choose(jobs, target_gpus)
    if not chosen:
        of = f"got none of {len(jobs)}"
        raise ValueError(f"{request.trace}: expected jobs for {target_gpus} GPUs, {of}")
    asked = sum(job.gpus for job in chosen)
    days = (chosen[-1].start_s - chosen[0].start_s) / DAY_S
    what = f"{len(chosen)} jobs on {asked} GPUs that arrive within {days:.1f} days."
    return Traced(
        Moment(
            name="acme",
            header=(*acme.SOURCE, what),
            tenants=acme.tenants(jobs),
            profiles=acme.profiles(request.power),
            jobs=replicated(chosen, target_gpus),
        )
    )


def openb_moment(request: Request, target_gpus: int) -> Traced:
    """Return the pods that run at one moment of openb, parts of GPUs put together on whole ones."""
    pods = openb.read_pods(request.trace)
    if request.at == "all":
        running, when = pods, "in all"
    else:
        busiest = request.at == "busiest"
        if not busiest and not request.at.isdecimal():
            raise ValueError(f"--at: expected busiest, all or seconds, got {request.at}")
        moment_s = openb.busiest_moment(pods) if busiest else int(request.at)
        running, when = openb.running_at(pods, moment_s), f"run {moment_s} s after its start"
    on_gpus = [pod for pod in running if pod.gpus]
    if not on_gpus:
        raise ValueError(f"{request.trace}: expected pods with GPUs {when}, got none")
    jobs = openb.jobs_of(on_gpus)
    asked = sum(pod.demand_milli for pod in on_gpus) / openb.WHOLE_MILLI
    what = f"{len(on_gpus)} pods on {asked:.1f} GPUs {when}; whole GPUs: "
    whole = sum(job.gpus for job in jobs)
    notes = [f"{what}{whole}, as parts of GPUs share whole ones"]
    if request.nodes is not None:
        notes.append(openb.nodes_in_words(request.nodes))
    pinned = Counter(pod.models for pod in on_gpus if pod.models)
    never = sum(pod.start_s is None for pod in pods)
    lost = [f"pod {pod.name}: it asks for no GPU" for pod in running if not pod.gpus]
    lost += [
        f"models {models} of {count:,} pods: the site has other GPUs, so any type will do"
        for models, count in sorted(pinned.items())
    ]
    if never and request.at != "all":
        lost.append(f"{never:,} pods were never started: they ran at no moment")
    return Traced(
        Moment(
            name="openb",
            header=(*openb.SOURCE, f"{what}{whole}."),
            tenants=tuple(sorted({pod.tenant for pod in pods if pod.gpus})),
            profiles=acme.profiles(request.power),
            jobs=replicated(jobs, target_gpus),
        ),
        tuple(lost),
        tuple(notes),
    )


# name -> how its moment is made, and which moment is taken if nothing is said
TRACES: Mapping[str, tuple[Callable[[Request, int], Traced], str]] = {
    "philly": (philly_moment, "busiest"),
    "acme": (acme_moment, "densest"),
    "openb": (openb_moment, "all"),
}
