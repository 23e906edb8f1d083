"""What waits is put where there is room, without moving anything that runs."""

from __future__ import annotations

from collections.abc import Iterable

from scheduler.model import Job, Plan
from scheduler.questions.moves import Move
from scheduler.questions.replan.live import Live
from scheduler.room import Domain, Room, Spot

MOST_DOMAINS = 6  # that are tried for one job


def insert_waiting(live: Live, running: Plan, jobs: Iterable[str] | None = None) -> None:
    """Place what waits, what is worth most for each GPU first, firm contracts before all.

    Parameters
    ----------
    running
        Where units ran: they return there if they can.
    jobs
        The jobs that may be placed or grow, by default all.
    """
    problem = live.ground.problem
    names = problem.jobs if jobs is None else jobs
    waiting = [problem.jobs[name] for name in names]
    waiting.sort(key=lambda job: (not job.firm, -job.value_mills_per_gpu_h, -job.gpus))
    room = Room(problem, live.plan)
    for job in waiting:
        while live.lacking(job) and insert(live, room, running, job):
            room = Room(problem, live.plan)


def insert(live: Live, room: Room, running: Plan, job: Job) -> bool:
    """Place `job`, or more of it, where the score gains; return whether it did."""
    lacking = live.lacking(job)
    home = running.units.get(job.name, {})
    for domain in _domains(live, room, job, home):
        key, plan = live.key, live.plan
        _fill(live, domain, job, home, lacking)
        if live.is_whole(job.name) and live.key < key:
            return True
        live.become(plan)
    return False


def _domains(live: Live, room: Room, job: Job, home: Iterable[str]) -> list[Domain]:
    """Return where to try: first where the job runs or ran, then the roomiest."""
    here = {*live.plan.units.get(job.name, {})}
    found = room.domains(job)
    if job.required is not None and here:
        found = tuple(d for d in found if here <= {spot.rack.name for spot in d.spots})
    ran = set(home)

    def rank(domain: Domain) -> tuple[int, int]:
        return -sum(spot.rack.name in ran for spot in domain.spots), -domain.open_units

    return sorted((d for d in found if d.open_units), key=rank)[:MOST_DOMAINS]


def _fill(live: Live, domain: Domain, job: Job, home: Iterable[str], wanted: int) -> None:
    """Add units rack by rack as far as all limits hold."""
    ran = set(home)

    def rank(spot: Spot) -> tuple[bool, int]:
        return spot.rack.name not in ran, -spot.units

    for spot in sorted(domain.spots, key=rank):
        left = 0 if spot.keeper else min(spot.units, wanted)
        step = left
        while step and left:
            move = Move(job.name, min(step, left), None, spot.rack.name)
            if live.delta((move,)).violation <= 0:
                live.commit((move,))
                wanted -= move.units
                left -= move.units
            step //= 2
        if not wanted:
            return
