"""What ``rackwatt risk`` prints: limits, actions, tenants, money, energy, culprits, convergence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scheduler.cli.console import output, safe, table

MOST_SUBJECTS = 8
MOST_SOURCES = 10
LEAST_SHARE = 0.001  # of all harm, of failures that are worth a line
SMALL = 0.01  # amounts below it are written as powers of ten

Ends = Mapping[str, float]


def print_risk(record: Mapping[str, Any], folder: Path | None) -> None:
    """Print an assessment for people."""
    console = output()
    console.print(
        f"{record['samples']:,} months, worth {record['effective_samples']:,} unweighted ones; "
        f"seed {record['seed']}, {record['weather']}, backend {record['backend']}, "
        f"{record['wall_s']:.1f} s"
    )
    console.print("± is half of the range that holds with 95 % confidence.")
    _actions(record)
    _limits(record)
    _parties(record)
    _money(record)
    _sources(record)
    _convergence(record)
    if folder is not None:
        console.print(f"Files in {safe(str(folder))}: risk.json, risk.csv")


def _actions(record: Mapping[str, Any]) -> None:
    shown = table("what", "h/year", "share of the time")
    names = {"something_out": "something is out", "capped": "jobs capped", "shed": "jobs shed"}
    for key, words in names.items():
        action = record["actions"][key]
        shown.add_row(
            words,
            _ends(action["hours_per_year"]),
            _percent(action["probability"]["value"]),
        )
    output().print(shown)


def _limits(record: Mapping[str, Any]) -> None:
    shown = table("limit", "jobs have to act, h/year", "exceeded whatever they do, h/year")
    for each in record["limits"]:
        shown.add_row(safe(each["kind"]), *_two(each))
    for each in record["subjects"][:MOST_SUBJECTS]:
        shown.add_row(f"  {safe(each['name'])} ({safe(each['kind'])})", *_two(each))
    output().print(shown)


def _two(each: Mapping[str, Any]) -> tuple[str, str]:
    return _ends(each["calls_for_action_h_per_year"]), _ends(each["exceeded_h_per_year"])


def _parties(record: Mapping[str, Any]) -> None:
    columns = ("GPUs", "available, %", "all, %", "SLA, %", "below SLA", "credits, $/month")
    shown = table("contract, tenant", *columns, numbers=("GPUs", "SLA, %", "below SLA"))
    for each in record["parties"]:
        sla, below = each["sla"], each["months_below_sla"]
        shown.add_row(
            safe(each["name"]),
            f"{each['promised_gpus']:,}",
            _uptime(each["availability"]),
            f"{each['all_promised']['value'] * 100:.3f}",
            "-" if sla is None else f"{sla * 100:g}",
            "-" if below is None else _percent(below["value"]),
            "-" if sla is None else _dollars(each["credits_usd_per_month"]),
        )
    output().print(shown)


def _money(record: Mapping[str, Any]) -> None:
    shown = table("money and energy", "", numbers=("",))
    credit, margin = record["credits_usd_per_month"], record["margin_usd_per_month"]
    rows = {
        "margin a month": margin["mean"],
        **{f"margin, {p[1:]} % of months at most": margin[p] for p in ("p1", "p5", "p50", "p95")},
        "margin, mean of the worst 5 % of months": margin["cvar95"],
        "credits a month": credit["mean"],
        "credits, mean of the worst 5 % of months": credit["cvar95"],
    }
    shown.add_row("margin a month without failures", f"{margin['without_failures']:,.0f} $")
    for words, ends in rows.items():
        shown.add_row(words, f"{_dollars(ends)} $")
    for words, key, digits, unit in (
        ("IT power", "it_mw", 3, " MW"),
        ("PUE", "pue", 3, ""),
        ("energy a year", "mwh_per_year", 0, " MWh"),
    ):
        ends = record["energy"][key]
        half = (ends["high"] - ends["low"]) / 2
        shown.add_row(words, f"{ends['value']:,.{digits}f} ± {half:,.{digits}f}{unit}")
    output().print(shown)


def _sources(record: Mapping[str, Any]) -> None:
    total = sum(each["harm_usd_per_year"]["value"] for each in record["sources"])
    shown = table(
        "failures that hurt most", "a year", "repair, h", "GPUs out", "harm, $/year", "share",
        numbers=("a year", "repair, h", "GPUs out", "share"),
    )  # fmt: skip
    for each in record["sources"][:MOST_SOURCES]:
        harm = each["harm_usd_per_year"]
        if harm["value"] < LEAST_SHARE * total:
            break
        shown.add_row(
            safe(each["name"]),
            _number(each["failures_per_year"]),
            f"{each['mttr_h']:g}",
            f"{each['gpus_alone']:,}",
            _dollars(harm),
            _percent(harm["value"] / total if total else 0),
        )
    output().print(shown)
    kinds: Counter[str] = Counter()
    for each in record["sources"]:
        words = f"all {each['kind']} at once" if each["common_cause"] else each["kind"]
        kinds[words] += each["harm_usd_per_year"]["value"]
    parts = ", ".join(
        f"{safe(kind)} {harm:,.0f} $" for kind, harm in kinds.most_common() if harm >= 1
    )
    output().print(f"Harm a year by kind: {parts or 'none'}")


def _convergence(record: Mapping[str, Any]) -> None:
    columns = ("shed, h/year", "credits, $/month", "margin, $/month")
    shown = table("months", "worth", *columns, numbers=("months", "worth"))
    for each in record["convergence"]:
        shown.add_row(
            f"{each['samples']:,}",
            f"{each['effective_samples']:,}",
            _ends(each["shed_h_per_year"]),
            _dollars(each["credits_usd_per_month"]),
            _dollars(each["margin_usd_per_month"]),
        )
    output().print(shown)


def _ends(ends: Ends) -> str:
    """Return ``1.20 ± 0.10``, or the upper end alone where nothing was seen."""
    if ends["value"] == 0:
        return f"0 (below {_number(ends['high'])})" if ends["high"] else "0"
    return f"{_number(ends['value'])} ± {_number(ends['high'] - ends['value'])}"


def _dollars(ends: Ends) -> str:
    """Return whole dollars with half of the range."""
    if ends["value"] == 0:
        return f"0 (below {ends['high']:,.0f})" if ends["high"] else "0"
    return f"{ends['value']:,.0f} ± {(ends['high'] - ends['low']) / 2:,.0f}"


def _uptime(ends: Ends) -> str:
    return f"{ends['value'] * 100:.4f} ± {(ends['high'] - ends['low']) * 50:.4f}"


def _number(value: float) -> str:
    """Return an amount with digits that say something."""
    if value == 0:
        return "0"
    return f"{value:.1e}" if abs(value) < SMALL else f"{value:,.2f}"


def _percent(share: float) -> str:
    if share == 0:
        return "0 %"
    return f"{share * 100:.1e} %" if share * 100 < SMALL else f"{share * 100:.2f} %"
