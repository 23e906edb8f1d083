"""Heat in one place, and the jobs behind it."""

from __future__ import annotations

from scheduler.terms.heat import Heat


def test_heat_adds_up_and_names_the_five_largest_jobs() -> None:
    heat = Heat(base_w=10)
    heat.add(Heat(base_w=5))
    for i in range(7):
        other = Heat()
        other.of_job_w[f"j{i}"] = i
        heat.add(other)
    assert heat.total_w == 15 + 21
    assert heat.jobs == ("j6", "j5", "j4", "j3", "j2")


def test_a_job_without_heat_is_not_named() -> None:
    heat = Heat()
    heat.of_job_w["inside a contract"] = 0
    assert heat.jobs == ()
