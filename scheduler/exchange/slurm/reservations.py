"""Accounts and reservations of tenants as scripts of Slurm's own commands."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping

from scheduler.exchange.slurm.holdings import Holding
from scheduler.exchange.slurm.hostlist import fold
from scheduler.words import clean

_RESERVATIONS = """\
#!/bin/sh
# One reservation for each tenant: the nodes that it holds in the plan. Others cannot use them.
# Slurm ends a reservation without a limit after a year; running jobs are left alone.
set -e
"""
_ACCOUNTS = """\
#!/bin/sh
# One account for each tenant. Needs slurmdbd; without it, accounts need not be made.
set -e
"""


def reservations_sh(held: Iterable[Holding], account_of: Mapping[str, str]) -> str:
    """Return the script that makes a reservation of every holding."""
    lines = []
    for holding in held:
        accounts = ",".join(account_of[tenant] for tenant in holding.tenants)
        lines.append(
            f"scontrol create reservation ReservationName={holding.name} Accounts={accounts} "
            f"StartTime=now Duration=UNLIMITED Flags=IGNORE_JOBS "
            f"Nodes={shlex.quote(fold(holding.nodes))}\n"
        )
    return _RESERVATIONS + "".join(lines)


def accounts_sh(account_of: Mapping[str, str], tenants: Iterable[str]) -> str:
    """Return the script that makes an account for each of `tenants`."""
    lines = [
        f"sacctmgr --immediate add account {account_of[tenant]} "
        f"Description={shlex.quote(clean(tenant))}\n"
        for tenant in tenants
    ]
    return _ACCOUNTS + "".join(lines)
