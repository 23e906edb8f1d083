"""How amounts, money and sets of racks are written for people."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

from scheduler.model import Finding, Level, Site

_SCALED = {  # unit of a finding -> (divisor, digits, unit for people)
    "nK": (1_000_000_000, 2, "K"),
    "mK": (1000, 1, "K"),
    "mC": (1000, 1, "°C"),
    "mL/min": (1000, 1, "L/min"),
    "mills/h": (1000, 2, "$/h"),
}
HEADROOM_UNITS = ("W", "mL/min", "nK", "mK", "mC")  # limits on a continuous quantity
FEW = 2  # racks of an array that are named one by one
_NUMBERED = re.compile(r"(.*?)(\d+)$", re.DOTALL)


def clean(text: str) -> str:
    """Return `text` with control, bidirectional and unpaired characters replaced.

    Names come from files; none of them may move the cursor or reorder a line.
    """
    hidden = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    return "".join("\ufffd" if unicodedata.category(c) in hidden else c for c in text)


def quantity(amount: int, unit: str) -> str:
    """Return an amount in a unit that is easy to read: ``1234567 W -> 1,234.6 kW``."""
    if unit == "W":
        return power(amount)
    divisor, digits, shown = _SCALED.get(
        unit, (1, 0, unit.removesuffix("s") if amount == 1 else unit)
    )
    return f"{amount / divisor:,.{digits}f} {shown}".strip()


def power(amount_w: int) -> str:
    """Return watts as W, kW or MW."""
    if abs(amount_w) < 10_000:
        return f"{amount_w:,} W"
    if abs(amount_w) < 10_000_000:
        return f"{amount_w / 1e3:,.1f} kW"
    return f"{amount_w / 1e6:,.3f} MW"


def money(mills_per_h: int | None) -> str:
    """Return mills per hour as dollars per hour."""
    return "unknown" if mills_per_h is None else f"{mills_per_h / 1000:,.2f} $/h"


def gpu_count(count: int) -> str:
    """Return ``1 GPU`` or ``1,024 GPUs``."""
    return f"{count:,} GPU" if count == 1 else f"{count:,} GPUs"


def in_one(level: Level | None) -> str:
    """Return `` in one NVLink domain``, what a level requires; nothing for the whole site."""
    if level is None or level is Level.SITE:
        return ""
    return " in one NVLink domain" if level is Level.NVLINK else f" in one {level}"


def percent(share: float | None, digits: int = 2) -> str:
    """Return a share as a percentage."""
    return "unknown" if share is None else f"{share * 100:.{digits}f} %"


def share_of(amount: int, limit: int) -> str:
    """Return how much of a limit is used: ``101.4 %``, rounded up so that too much shows."""
    if limit <= 0:
        return "more than 100 %"
    return f"{-(-1000 * amount // limit) / 10:,.1f} %"


def tightness(finding: Finding) -> float:
    """Share of its limit that is left: the smaller, the tighter; negative if it is broken."""
    left = finding.limit - finding.amount
    return left / finding.limit if finding.limit > 0 else float(left)


def load_of_limit(finding: Finding) -> str:
    """Return ``101.3 % of 2,500.0 kW``, or amount and limit where a share says nothing."""
    limit = quantity(finding.limit, finding.unit)
    if finding.unit in HEADROOM_UNITS and finding.limit > 0:
        return f"{finding.amount / finding.limit * 100:.1f} % of {limit}"
    return f"{finding.amount:,} of {limit}"


def limit_line(finding: Finding) -> str:
    """Say in words by how much a limit is exceeded, and in which state."""
    state = state_words(finding.state)
    if finding.unit in HEADROOM_UNITS:
        over = quantity(finding.violation, finding.unit)
        return f"{finding.subject} would reach {load_of_limit(finding)}{state}, {over} too much"
    if finding.message:
        return f"{finding.subject}{state}: {finding.message}"
    return f"{finding.subject}{state}: {load_of_limit(finding)} ({finding.term})"


def state_words(state: str) -> str:
    """Return a state as the end of a clause; nothing for the normal one."""
    if state == "normal":
        return ""
    return f" after {state}" if state.startswith("loss of ") else f" ({state})"


def folded(names: Iterable[str]) -> list[str]:
    """Fold runs of numbered names: ``A1, A2, A3, B7 -> A1..A3, B7``.

    Of the end of a run only what follows the last ``-``, ``/`` or ``.`` is repeated.
    """
    runs: list[tuple[str, str]] = []
    for name in sorted(names, key=_natural):
        if runs and _follows(runs[-1][1], name):
            runs[-1] = (runs[-1][0], name)
        else:
            runs.append((name, name))
    return [a if a == b else f"{a}..{re.split('[-/.]', b)[-1]}" for a, b in runs]


def places(site: Site, racks: Iterable[str], most: int = 8) -> str:
    """Write a set of racks compactly: whole halls, whole arrays, parts of arrays, single racks.

    ``H1, H2-A01..A09, H2-A10 (3 of 8 racks)``; what is more than `most` pieces is counted.
    """
    chosen = [site.racks[name] for name in racks]
    hall_size = Counter(rack.hall for rack in site.racks.values())
    array_size = Counter(rack.array for rack in site.racks.values())
    in_hall = Counter(rack.hall for rack in chosen)
    whole_halls = {hall for hall, count in in_hall.items() if count == hall_size[hall]}
    in_array = Counter(rack.array for rack in chosen if rack.hall not in whole_halls)
    whole_arrays = {array for array, count in in_array.items() if count == array_size[array]}
    rest: dict[str, list[str]] = {}
    for rack in chosen:
        if rack.hall not in whole_halls and rack.array not in whole_arrays:
            rest.setdefault(rack.array, []).append(rack.name)
    parts = [
        f"{array} ({len(names)} of {array_size[array]} racks)" if len(names) > FEW else name
        for array, names in sorted(rest.items(), key=lambda item: _natural(item[0]))
        for name in (folded(names) if len(names) <= FEW else [array])
    ]
    return some([*folded(whole_halls), *folded(whole_arrays), *parts], most)


def some(pieces: Sequence[str], most: int) -> str:
    """Join at most `most` pieces and count the rest."""
    more = [f"and {len(pieces) - most} more"] if len(pieces) > most else []
    return ", ".join([*pieces[:most], *more])


def _natural(name: str) -> tuple[tuple[str, int], ...]:
    """Sort key in which ``A2`` comes before ``A10``."""
    found = re.findall(r"(\D*)(\d*)", name)
    return tuple(
        (text, int(digits) if digits.isascii() and digits else -1) for text, digits in found
    )


def _follows(before: str, name: str) -> bool:
    """Whether `name` is `before` with its last number one higher."""
    a, b = _NUMBERED.match(before), _NUMBERED.match(name)
    return a is not None and b is not None and a[1] == b[1] and int(a[2]) + 1 == int(b[2])
