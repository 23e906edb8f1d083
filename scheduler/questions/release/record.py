"""A release as plain data: ``release.json`` and ``moves.csv``."""

from __future__ import annotations

import csv
import io

from scheduler.questions.moves import Move, Wave
from scheduler.questions.release.answer import Release
from scheduler.write import spreadsheet_cell

RELEASE_FORMAT = "rackwatt-release/1"
COLUMNS = ("wave", "job", "tenant", "does", "units", "gpus", "from", "to")


def release_record(answer: Release, waves: tuple[Wave, ...], wall_s: float) -> dict[str, object]:
    """Return what ``release.json`` holds."""
    goal = answer.goal
    return {
        "format": RELEASE_FORMAT,
        "goal": goal.words,
        "within_days": goal.within_days,
        "met": answer.met,
        "shortfall": list(answer.shortfall),
        "asked": answer.asked,
        "given": answer.given,
        "unit": answer.unit,
        "emptied": list(answer.names) or ([goal.domain] if goal.domain else []),
        "idle_mw": answer.idle_w / 1e6,
        "checked": answer.solution.verdict.checked,
        "unmet_firm_gpus": answer.solution.verdict.unmet_firm_gpus,
        "value_lost_usd_per_h": answer.value_lost_mills / 1000,
        "given_up_usd_per_h": answer.given_up_mills / 1000,
        "move_usd_per_gpu": answer.move_mills / 1000,
        "cost_usd": answer.cost_mills / 1000,
        "least_cost_usd": _usd(answer.least_cost_mills),
        "moved_gpus": answer.moved_gpus,
        "stopped_gpus": answer.stopped_gpus,
        "least_leaving_gpus": answer.fewest.least_gpus,
        "fewest_moves": {
            "leaving_gpus": answer.fewest.gpus,
            "value_lost_usd_per_h": answer.fewest.value_lost_mills / 1000,
        },
        "contracts": [
            {
                "contract": ending.contract.name,
                "tenant": ending.contract.tenant,
                "notice_days": ending.contract.notice_days,
                "may_end": ending.may_end,
                "short_days": ending.short_days,
                "cost_usd": _usd(ending.cost_mills),
                "words": ending.words,
            }
            for ending in answer.endings
        ],
        "waves": len(waves),
        "steps": _rows(answer, waves),
        "wall_s": round(wall_s, 3),
    }


def moves_csv(answer: Release, waves: tuple[Wave, ...]) -> bytes:
    """Return the steps in order as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    for row in _rows(answer, waves):
        writer.writerow({key: spreadsheet_cell(value) for key, value in row.items()})
    return text.getvalue().encode("utf-8", "backslashreplace")


def does(answer: Release, move: Move) -> str:
    """Return what a step does: ``moves``, ``stops``, ``starts`` or ``ends`` with its contract."""
    if move.source is None:
        return "starts"
    if move.target is not None:
        return "moves"
    return "ends" if move.job in answer.leaving else "stops"


def _rows(answer: Release, waves: tuple[Wave, ...]) -> list[dict[str, object]]:
    jobs = answer.running.jobs
    return [
        {
            "wave": number,
            "job": move.job,
            "tenant": jobs[move.job].tenant,
            "does": does(answer, move),
            "units": move.units,
            "gpus": move.units * jobs[move.job].gpus_per_unit,
            "from": move.source or "",
            "to": move.target or "",
        }
        for number, wave in enumerate(waves, 1)
        for move in wave.moves
    ]


def _usd(mills: int | None) -> float | None:
    return None if mills is None else mills / 1000
