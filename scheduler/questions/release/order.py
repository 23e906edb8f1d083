"""In which order the steps of a release go."""

from __future__ import annotations

from dataclasses import replace

from scheduler.questions.moves import Wave, waves
from scheduler.questions.release.answer import Release


def steps_of(answer: Release) -> tuple[Wave, ...]:
    """Return the waves from the running plan to the plan afterwards.

    Every state on the way keeps the limits of the site as it is before anything is given back.
    Where racks are to be switched off, the plan afterwards may count on that; then their idle
    power is left out on the way as well.
    """
    try:
        return waves(answer.running, answer.before, answer.after).waves
    except ValueError:
        site = answer.solution.problem.site
        return waves(replace(answer.running, site=site), answer.before, answer.after).waves
