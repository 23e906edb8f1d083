"""What of its power a site can use, in words: drawn, drawable, stranded and why."""

from __future__ import annotations

from collections.abc import Mapping

from scheduler.words import percent, power

CAUSES = {
    "racks_full": "as racks that suit it are full",
    "kept_apart": "as isolation or the size of its gangs keeps it from free nodes",
    "cooling": "as loops cool no more",
}


def drawn_words(drawn_w: int, drawable_w: int) -> str:
    """Say how much of the power that any plan of the work can draw one plan draws."""
    if drawable_w <= 0:
        return "and no plan of this work can draw any"
    share = percent(drawn_w / drawable_w, 1)
    return f"{share} of the {power(drawable_w)} that any plan of this work can draw at most"


def stranded_words(stranded_w: int, by_cause_w: Mapping[str, int]) -> str:
    """Say how much of the firm power that is left waiting work cannot reach, and why."""
    if not stranded_w:
        return "none of it is stranded"
    causes = [
        f"{power(by_cause_w[cause])} {why}" for cause, why in CAUSES.items() if by_cause_w[cause]
    ]
    return f"{power(stranded_w)} of it is stranded, though work waits: {', '.join(causes)}"
