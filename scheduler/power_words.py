"""What is stranded, and why, in words."""

from __future__ import annotations

from collections.abc import Mapping

from scheduler.words import power

CAUSES = {
    "racks_full": "as racks that suit it are full",
    "kept_apart": "as isolation or the size of its gangs keeps it from free nodes",
    "cooling": "as loops cool no more",
}


def stranded_words(stranded_w: int, by_cause_w: Mapping[str, int]) -> str:
    """Say how much of the firm power that is left waiting work cannot reach, and why."""
    if not stranded_w:
        return "none of it is stranded"
    causes = [
        f"{power(by_cause_w[cause])} {why}" for cause, why in CAUSES.items() if by_cause_w[cause]
    ]
    return f"{power(stranded_w)} of it is stranded, though work waits: {', '.join(causes)}"
