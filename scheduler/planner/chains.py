"""Chains of moves, aimed by the sweep: what is outside comes in, and pushes others on or out.

The sweep prices every move of every shard and of every job outside, exactly. A job that would
break a limit on its best rack may come in if one that lies there goes to its own best rack, or
out, at less than the newcomer is worth. All such chains are scored at once, exactly, and the best
ones that do not get in each other's way are carried out.

Source: ejection chains, Glover, Discrete Applied Mathematics 65 (1996).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from kernels.backend import Evaluator
from kernels.batch import MoveSets
from kernels.candidates import absent_jobs, placed_shards
from kernels.forms import NONE, AssignmentCost, Compiled, Ints, Shards
from kernels.moves import Move, Workspace
from scheduler.planner.lots import slots_of_unit

TOP = 4  # racks that are looked at for each job outside
MOST_NEWCOMERS = 200  # jobs outside, those worth most
MOST_TOGETHER = 4  # shards that leave a rack for one newcomer
MOST_CHAINS = 6_000  # scored in one turn
MOST_TURNS = 20


@dataclass(eq=False)
class Chains:
    """Improves a plan by chains until none gains."""

    compiled: Compiled
    evaluator: Evaluator
    stopped: Callable[[], bool]
    carried_out: int = 0  # chains so far
    _value: Ints = field(init=False)  # (J,) mills per hour of a unit
    _size: Ints = field(init=False)  # (J,) slots of a unit

    def __post_init__(self) -> None:
        costs = (form for form in self.compiled.forms if isinstance(form, AssignmentCost))
        none = np.zeros(self.compiled.num_jobs, np.int64)
        self._value = sum((form.value_mills for form in costs), none)
        self._size = slots_of_unit(self.compiled)

    def run(self, shards: Shards) -> Shards:
        """Return a plan that is no worse."""
        workspace = self.evaluator.start(shards)
        for _ in range(MOST_TURNS):
            if self.stopped() or not self._carry_out(workspace, self._chains(shards), shards):
                break
            shards = workspace.shards
        return shards

    def _chains(self, shards: Shards) -> list[list[Move]]:
        """Return chains worth a look: newcomers alone, and with one that makes room."""
        absent = absent_jobs(self.compiled, shards)
        if not len(absent) or not len(shards.job):
            return []
        into = self.evaluator.sweep(shards, absent, TOP)
        worth = into.margin_mills.max(axis=1)
        newcomers = np.argsort(-worth, kind="stable")[:MOST_NEWCOMERS]
        newcomers = newcomers[worth[newcomers] > 0]
        leaving = self._leaving(shards, into.rack[newcomers])
        chains: list[list[Move]] = []
        for n in newcomers.tolist():
            job, units = int(absent.job[n]), int(absent.units[n])
            for rack, violation, gain in zip(
                *(each[n].tolist() for each in (into.rack, into.violation, into.margin_mills)),
                strict=True,
            ):
                if rack == NONE or gain <= 0:
                    continue
                enters = Move(job, NONE, rack, units)
                if violation <= 0:
                    chains.append([enters])
                else:
                    chains += [[enters, *some] for some in leaving.get(rack, ())]
            if len(chains) >= MOST_CHAINS:
                break
        return chains[:MOST_CHAINS]

    def _leaving(self, shards: Shards, racks: Ints) -> dict[int, list[list[Move]]]:
        """Return, by rack, ways to make room there: one shard leaves, or a few cheap ones do.

        A shard leaves for its best rack if that breaks nothing, or else goes out.
        """
        here = np.zeros(self.compiled.num_racks + 1, bool)  # the last stands for no rack
        here[racks] = True
        here[NONE] = False
        some = placed_shards(shards).take(np.flatnonzero(here[shards.rack]))
        onward = self.evaluator.sweep(shards, some, 1)
        stays = (onward.rack[:, 0] != NONE) & (onward.violation[:, 0] <= 0)
        out_mills = self._value[some.job] * some.units
        loss = np.where(stays, np.minimum(-onward.margin_mills[:, 0], out_mills), out_mills)
        dearness = loss / np.maximum(self._size[some.job] * some.units, 1)
        leaving: dict[int, list[list[Move]]] = {}
        cheap: dict[int, list[Move]] = {}
        for n in np.argsort(dearness, kind="stable").tolist():
            job, rack, units = int(some.job[n]), int(some.source[n]), int(some.units[n])
            ways, together = leaving.setdefault(rack, []), cheap.setdefault(rack, [])
            out = Move(job, rack, NONE, units)
            ways.append([out])
            if stays[n]:
                ways.append([Move(job, rack, int(onward.rack[n, 0]), units)])
            together.append(ways[-1][0])
            if 1 < len(together) <= MOST_TOGETHER:
                ways.append(list(together))
        return leaving

    def _carry_out(self, workspace: Workspace, chains: list[list[Move]], base: Shards) -> bool:
        """Carry out the chains that gain most, each if it still gains; whether any did."""
        if not chains:
            return False
        before = (workspace.violation, workspace.unmet_firm_gpus, workspace.margin_mills)
        gains = _gain(before, self.evaluator.score_batch(base, MoveSets.build(chains)))
        done = self.carried_out
        for n in np.argsort(-gains, kind="stable").tolist():
            if gains[n] <= 0:
                break
            if not all(_is_possible(workspace, move) for move in chains[n]):
                continue
            delta = workspace.delta(chains[n])
            if delta.violation <= 0 and delta.unmet_firm_gpus <= 0 and delta.margin_mills > 0:
                workspace.commit(chains[n])
                self.carried_out += 1
        return self.carried_out > done


def _gain(before: tuple[int, int, int], after: tuple[Ints, Ints, Ints]) -> Ints:
    """Return what each chain gains, 0 where it breaks a limit or an obligation."""
    violation, unmet, margin = after
    fine = (violation <= before[0]) & (unmet <= before[1])
    return np.where(fine, margin - before[2], 0)


def _is_possible(workspace: Workspace, move: Move) -> bool:
    """Whether a move still makes sense after others: its job is where, or out, as it was."""
    if move.source != NONE:
        return workspace.units_at(move.job, move.source) >= move.units
    return workspace.total_of(move.job) == 0
