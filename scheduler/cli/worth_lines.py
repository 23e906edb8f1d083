"""What ``rackwatt plan`` prints of the bound: what limits are worth, and where the gap sits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from scheduler.cli.console import safe
from scheduler.gap_words import gap_lines
from scheduler.worth import NOTHING_SCARCE

if TYPE_CHECKING:
    from rich.console import Console

MOST_PRICES = 8
MOST_PARTS = 6


def print_worth(console: Console, record: Mapping[str, Any]) -> None:
    """Print the scarce limits and the parts of the gap, if the proof of the bound tells them."""
    if record["bound_by"] is None:
        return
    prices = record["prices"]
    if not prices:
        console.print(NOTHING_SCARCE)
    else:
        console.print("what more would be worth, by the prices of the bound:")
    for price in prices[:MOST_PRICES]:
        console.print(f"  {safe(price['words'])}")
    if len(prices) > MOST_PRICES:
        console.print(f"  and {len(prices) - MOST_PRICES:,} more limits, see result.json")
    lines = gap_lines(record["gap_parts"], MOST_PARTS)
    if lines and record["gap"]:
        console.print("where the gap sits:")
        for line in lines:
            console.print(f"  {safe(line)}")
