"""What contracts and tenants get in sampled months: GPU-hours, credits, value that is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kernels.forms import Ints
from scheduler.questions.risk.credits import SECONDS_PER_H, credit_mills
from scheduler.questions.risk.effects import Effects
from scheduler.questions.risk.moments import Moments
from scheduler.questions.risk.nodes_down import NodesDown
from scheduler.questions.risk.stakes import Party


@dataclass(frozen=True, eq=False)
class Service:
    """What parties get, month by month."""

    short_gpu_s: Ints  # (P, N) promised GPU-seconds that are not there
    full_s: Ints  # (P, N) time with all promised GPUs
    credit_mills: Ints  # (P, N)
    lost_mills: Ints  # (N,) value of jobs outside contracts that is not earned


def service_of(
    parties: Sequence[Party],
    nodes: NodesDown,
    scenario: Ints,
    moments: Moments,
    effects: Effects,
) -> Service:
    """Add up what parties get: outages and power actions, and single nodes that are down."""
    shape = len(parties), len(scenario)
    short_gpu_s, full_s, credit = (np.zeros(shape, np.int64) for _ in range(3))
    lost_mills = moments.per_month(mills(effects.numbers("lost_mills") * moments.seconds))
    lost = effects.numbers("lost_gpus").reshape(len(moments.month), len(parties))
    for p, party in enumerate(parties):
        missing = _missing_gpus(party, p, nodes, scenario, moments, lost[:, p])
        times = np.maximum(1, missing.times)
        short_gpu_s[p] = moments.per_month(moments.seconds * missing.gpus // times)
        full_s[p] = moments.per_month(moments.seconds * missing.none // times)
        if party.is_contract:
            credit[p] = credit_mills(party, short_gpu_s[p])
        else:
            by_outage = np.minimum(lost[:, p], party.promised_gpus) * moments.seconds
            by_nodes = np.maximum(0, short_gpu_s[p] - moments.per_month(by_outage))
            lost_mills += mills(by_nodes * party.price_mills)
    return Service(short_gpu_s, full_s, credit, lost_mills)


def mills(mills_per_h_s: Ints) -> Ints:
    """Return mills from (mills per hour) times seconds."""
    return mills_per_h_s // SECONDS_PER_H


@dataclass(frozen=True, eq=False)
class _Missing:
    """Promised GPUs that are missing at moments, each looked at some times."""

    gpus: Ints  # (M,) summed over the times
    none: Ints  # (M,) times at which none is missing
    times: Ints  # (M,)


def _missing_gpus(
    party: Party, p: int, nodes: NodesDown, scenario: Ints, moments: Moments, lost: Ints
) -> _Missing:
    """Count a party's missing GPUs.

    A month with nothing out is much longer than a repair: nodes are counted at many times of it,
    unless the spare ones cover the most that can be down.
    """
    count = moments.num_months
    spare = party.held_gpus - party.promised_gpus

    def short(down: Ints, out: Ints) -> Ints:
        gpus = down * party.node_gpus + out - spare
        return np.asarray(np.clip(gpus, 0, party.promised_gpus), np.int64)

    down = np.zeros((count, 1), np.int64)
    if nodes.most(p) * party.node_gpus + int(lost[:count].max(initial=0)) > spare:
        down = nodes.in_months(p, scenario)
    quiet = short(down, lost[:count, None])
    down = nodes.at_moments(p, scenario[moments.month[count:]], moments.number[count:])
    noisy = short(down, lost[count:])
    return _Missing(
        gpus=np.concatenate((quiet.sum(axis=1), noisy)),
        none=np.concatenate(((quiet == 0).sum(axis=1), noisy == 0)),
        times=np.concatenate((np.full(count, quiet.shape[1]), np.ones_like(noisy))),
    )
