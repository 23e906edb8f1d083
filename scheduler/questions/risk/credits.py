"""Service credits of a month: what a contract gets back of its fee."""

from __future__ import annotations

import numpy as np

from kernels.forms import Ints
from scheduler.model.units import PERMILLE
from scheduler.questions.risk.sources import MONTH_S
from scheduler.questions.risk.stakes import Party

SECONDS_PER_H = 3600


def credit_mills(party: Party, short_gpu_s: Ints) -> Ints:
    """Return the credits of months, (N,), from promised GPU-seconds that were not there.

    Uptime is the share of promised GPU-hours that were there; work that is capped is there [T:
    degraded but reachable is not downtime]. Of all tiers ``(uptime below, part of the fee)`` that
    the month falls below, the largest part counts.
    """
    promised_gpu_s = party.promised_gpus * MONTH_S
    fee_mills = party.fee_mills * MONTH_S // SECONDS_PER_H
    part = np.zeros(len(short_gpu_s), np.int64)
    for below_permille, credit_permille in party.credit_tiers:
        allowed = promised_gpu_s * (PERMILLE - below_permille)
        part = np.where(short_gpu_s * PERMILLE > allowed, np.maximum(part, credit_permille), part)
    return fee_mills * part // PERMILLE
