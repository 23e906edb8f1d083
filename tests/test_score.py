"""The reference evaluation: each form by hand, all forms against plain loops."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels import reference
from kernels.exactness import RangeError, check_range
from kernels.forms import (
    NONE,
    UNLIMITED,
    AssignmentCost,
    Compiled,
    Form,
    GroupCount,
    GroupPresence,
    LinearLoad,
    Packing,
    Rows,
    Shards,
    Units,
)
from kernels.reference import score
from kernels.score import Score, TermScore
from tests.brute_force import brute_score
from tests.random_compiled import random_compiled, random_shards

SEEDS = st.integers(0, 2**32 - 1)
ONE_KIND = np.zeros(3, np.int32)


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def index(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


def plan(*triples: tuple[int, int, int]) -> Shards:
    return Shards.build(*np.array(triples, np.int64).reshape(-1, 3).T)


def compiled(*forms: Form, num_jobs: int = 2, **units: np.ndarray) -> Compiled:
    """Two jobs of 1 to 4 units on three racks."""
    most = np.full(num_jobs, 4)
    values = {"least": most // 4, "most": most, "counted_most": most, "held_back": most * 0}
    return Compiled(
        job_names=tuple(f"j{j}" for j in range(num_jobs)),
        rack_names=("r0", "r1", "r2"),
        units=Units(**{**values, **units}),
        forms=forms,
    )


def linear(**fields: Any) -> LinearLoad:
    """Row 0: r0 + 2 r1 <= 30; row 1: r2 <= 5, of which 3 are there already. Job 1 takes 10."""
    default: dict[str, Any] = {
        "term": "load",
        "unit": "W",
        "scale": 1,
        "kind_of_rack": ONE_KIND,
        "demand": ints(1, 10).reshape(2, 1),
        "rows": Rows.build([{0: 1, 1: 2}, {2: 1}]),
        "base": ints(0, 3),
        "limit": ints(30, 5),
        "subject": ("ups", "busway"),
        "state": ("normal", "normal"),
    }
    return LinearLoad(**{**default, **fields})


def presence(**fields: Any) -> GroupPresence:
    """r0 and r1 are domain 0, r2 is domain 1; each job is a group; they may not meet."""
    default: dict[str, Any] = {
        "term": "presence",
        "level": "array",
        "domain_of_rack": index(0, 0, 1),
        "group_of_job": index(0, 1),
        "may_share": np.eye(2, dtype=bool),
        "max_domains": ints(UNLIMITED, UNLIMITED),
        "free_domains": ints(UNLIMITED, UNLIMITED),
        "price_mills": ints(0, 0),
        "domain_names": ("a", "b"),
        "group_names": ("t0", "t1"),
    }
    return GroupPresence(**{**default, **fields})


def assignment(**fields: Any) -> AssignmentCost:
    """Nothing costs, earns or is forbidden."""
    default: dict[str, Any] = {
        "term": "cost",
        "kind_of_rack": index(0, 0, 1),
        "cost_mills": np.zeros((2, 2), np.int64),
        "allowed": np.ones((2, 2), bool),
        "value_mills": ints(0, 0),
        "firm_gpus": ints(0, 0),
    }
    return AssignmentCost(**{**default, **fields})


def group_count(**fields: Any) -> GroupCount:
    """Domains r0 + r1 and r1 + r2 overlap; job 0 must survive the loss of either."""
    default: dict[str, Any] = {
        "term": "count",
        "level": "ups",
        "domains": Rows.build([{0: 1, 1: 1}, {1: 1, 2: 1}]),
        "group_of_job": index(0, NONE),
        "limit": ints(UNLIMITED),
        "survives": np.array([True, False]),
        "domain_names": ("u0", "u1"),
        "group_names": ("g0",),
    }
    return GroupCount(**{**default, **fields})


def test_scores_are_ordered_by_limits_then_obligations_then_money() -> None:
    worst_to_best = [Score(2, 0, 99), Score(1, 8, 99), Score(1, 0, 5), Score(1, 0, 6)]
    assert sorted(worst_to_best) == worst_to_best[::-1]
    assert min(worst_to_best) == Score(1, 0, 6)
    assert Score(0, 0, 1) <= Score(0, 0, 1, {"margin": TermScore()}) >= Score(0, 0, 1)
    assert Score(0, 0, 2) < Score(0, 0, 1)
    assert Score(0, 1, 0) > Score(0, 0, 0)


def test_linear_load_counts_base_weights_and_demand() -> None:
    shards = plan((0, 0, 4), (1, 0, 1), (1, 1, 1), (0, 2, 3))
    # racks: r0 = 4 * 1 + 1 * 10 = 14, r1 = 10, r2 = 3
    assert reference.rack_load(linear(), shards).tolist() == [14, 10, 3]
    # rows: 14 + 2 * 10 = 34 (limit 30), 3 + 3 = 6 (limit 5)
    assert reference.row_load(linear(), shards).tolist() == [34, 6]
    assert reference.headroom(linear(), shards).tolist() == [-4, -1]
    assert score(compiled(linear()), shards).violation == 4 + 1 + 3  # job 0 has 7 of at most 4


def test_linear_load_rounds_what_is_above_a_scaled_limit_up() -> None:
    scaled = linear(scale=12)
    # 34 - 30 = 4 and 6 - 5 = 1 twelfths: each is one started unit; headroom is rounded down
    shards = plan((0, 0, 4), (1, 0, 1), (1, 1, 1), (0, 2, 3))
    load = reference.row_load(scaled, shards)
    assert reference.excess(scaled, load).tolist() == [1, 1]
    assert reference.headroom(scaled, shards).tolist() == [-1, -1]
    assert reference.headroom(scaled, plan()).tolist() == [2, 0]  # 30 / 12, 2 / 12


def test_packing_opens_bins_for_each_group_alone() -> None:
    form = Packing(
        term="packing",
        kind_of_rack=ONE_KIND,
        size=ints(4, 2).reshape(2, 1),
        group_of_job=index(0, 1),
        bin_size=ints(8, 8, 8),
        bins=ints(1, 1, 0),
        subject=("r0", "r1", "r2"),
    )
    # r0: 3 x 4 = 12 slots, 2 bins, and 1 x 2, 1 bin: 3 of 1; r1: 4 x 2 = 8 slots: 1 bin of 1
    shards = plan((0, 0, 3), (1, 0, 1), (1, 1, 3))
    assert reference.bins_used(form, shards).tolist() == [3, 1, 0]
    assert score(compiled(form), shards).by_term["packing"] == TermScore(2, 0)
    together = replace(form, group_of_job=index(0, 0))  # 12 + 2 = 14 slots: 2 bins
    assert reference.bins_used(together, shards).tolist() == [2, 1, 0]
    nobody = replace(form, group_of_job=index(NONE, 1))
    assert reference.bins_used(nobody, shards).tolist() == [1, 1, 0]


def test_group_count_limits_each_domain_and_domains_may_overlap() -> None:
    shards = plan((0, 0, 1), (0, 1, 2), (1, 2, 4))
    group, domain, units = reference.group_units(group_count(), shards)
    # u0 = 1 + 2, u1 = 2 + 0: the 4 units of job 1 are in no group
    assert [*zip(group.tolist(), domain.tolist(), units.tolist(), strict=True)] == [
        (0, 0, 3),
        (0, 1, 2),
    ]
    assert score(compiled(group_count(limit=ints(1))), shards).violation == (3 - 1) + (2 - 1)


def test_what_the_worst_domain_takes_does_not_count() -> None:
    shards = plan((0, 0, 1), (0, 2, 3), (1, 1, 4))
    problem = compiled(group_count(), held_back=ints(0, 1))
    assert reference.worst_loss(problem, shards).tolist() == [3, 0]
    assert reference.counted(problem, shards).tolist() == [4 - 3, 4 - 1]
    # a second kind of loss takes 4 units at once: the worst of all losses counts, not their sum
    all_racks = group_count(domains=Rows.build([{0: 1, 1: 1, 2: 1}]))
    problem = compiled(group_count(), all_racks)
    assert reference.worst_loss(problem, shards).tolist() == [4, 0]
    assert reference.counted(problem, shards).tolist() == [0, 4]


def test_counted_units_are_clipped_to_what_is_paid_for() -> None:
    problem = compiled(counted_most=ints(2, 3), held_back=ints(1, 5))
    assert reference.counted(problem, plan((0, 0, 4), (1, 0, 4))).tolist() == [2, 0]


def test_group_presence_counts_pairs_domains_and_prices() -> None:
    meeting = plan((0, 0, 1), (1, 1, 2), (1, 2, 1))  # both in domain 0, group 1 also in domain 1
    group, domain = reference.present(presence(), meeting)
    assert (group.tolist(), domain.tolist()) == ([0, 1, 1], [0, 0, 1])
    assert reference.forbidden_pairs(presence(), group, domain) == 1
    assert reference.domains_used(presence(), group).tolist() == [1, 2]
    form = presence(
        max_domains=ints(0, 1), free_domains=ints(1, 0), price_mills=ints(100, 7), may_share=None
    )
    # group 0 has 1 domain of 0, group 1 has 2 of 1; group 1 pays for 2 domains
    assert score(compiled(form), meeting).by_term["presence"] == TermScore(2, -14)
    outside = replace(form, domain_of_rack=index(NONE, NONE, NONE))
    assert score(compiled(outside), meeting).by_term["presence"] == TermScore(0, 0)


def test_each_unordered_pair_counts_once() -> None:
    strangers = presence(
        group_of_job=index(0, 1, 2),
        may_share=np.eye(3, dtype=bool),
        max_domains=ints(9, 9, 9),
        free_domains=ints(9, 9, 9),
        price_mills=ints(0, 0, 0),
    )
    shards = plan((0, 0, 1), (1, 0, 1), (2, 1, 1))
    assert reference.forbidden_pairs(strangers, *reference.present(strangers, shards)) == 3


def test_assignment_cost_adds_value_cost_moves_and_base() -> None:
    form = assignment(
        cost_mills=ints(1, 2, 3, 4).reshape(2, 2),
        allowed=np.array([[True, False], [True, True]]),
        value_mills=ints(100, 1000),
        firm_gpus=ints(8, 16),
        base_mills=5,
        home_job=index(0, 1),
        home_rack=index(0, 2),
        home_units=ints(3, 2),
        move_mills=ints(10, 20),
    )
    shards = plan((0, 0, 1), (0, 2, 1), (1, 2, 3))
    result = score(compiled(form), shards)
    # value 2 * 100 + 3 * 1000 = 3200; cost 1 * 1 + 1 * 2 + 3 * 4 = 15
    # moves: job 0 keeps 1 of 3 at home, 2 * 10 = 20; job 1 has 3 of 2, 0; base 5
    assert result.margin_mills == 3200 - 15 - 20 - 5
    assert result.violation == 1  # job 0 on kind 1
    assert result.unmet_firm_gpus == 8 * (4 - 2) + 16 * (4 - 3)


def test_an_empty_plan_pays_base_and_moves_and_meets_nothing() -> None:
    form = assignment(
        firm_gpus=ints(8, 0), base_mills=5, home_job=index(1), home_rack=index(2),
        home_units=ints(2), move_mills=ints(10),
    )  # fmt: skip
    result = score(compiled(form, linear(), presence(), group_count()), plan())
    assert result.key == (0, 8 * 4, 5 + 2 * 10)


def test_totals_are_zero_or_within_least_and_most() -> None:
    problem = compiled(least=ints(3, 3))
    for total, wrong in ((0, 0), (1, 2), (3, 0), (4, 0), (6, 2)):
        shards = plan((0, 0, total))
        assert score(problem, shards).by_term["units"].violation == wrong


def test_forms_of_one_term_are_scored_together() -> None:
    shards = plan((0, 0, 4), (1, 0, 1), (1, 1, 1))  # 34 of 30 in row 0, 3 of 5 in row 1
    result = score(compiled(linear(), linear(limit=ints(31, 5))), shards)
    assert result.by_term["load"].violation == 4 + 3


def test_range_errors_name_term_and_unit() -> None:
    check_range(compiled(linear(), assignment()))
    # 4 units of demand 2^50 on weight 2: 4 * 2^50 * 2 = 2^53
    large = linear(demand=ints(2**50, 0).reshape(2, 1))
    with pytest.raises(RangeError, match=r"load: ups \(normal\): .* W x 1"):
        check_range(compiled(large))
    check_range(compiled(linear(demand=ints(2**50 - 1, 0).reshape(2, 1))))
    with pytest.raises(RangeError, match=r"cost: .* mills/h"):
        check_range(compiled(assignment(value_mills=ints(2**51, 0))))


@settings(max_examples=300)
@given(SEEDS, SEEDS)
def test_the_score_equals_plain_loops(seed: int, plan_seed: int) -> None:
    problem = random_compiled(seed)
    shards = random_shards(problem, plan_seed)
    assert score(problem, shards).key == brute_score(problem, shards)


@given(SEEDS, SEEDS)
def test_terms_add_up_to_the_score(seed: int, plan_seed: int) -> None:
    problem = random_compiled(seed)
    result = score(problem, random_shards(problem, plan_seed))
    assert sum(each.violation for each in result.by_term.values()) == result.violation
    assert sum(each.margin_mills for each in result.by_term.values()) == result.margin_mills


class OnlyCuPy:
    """NumPy with nothing but the names that the reference may use, all of which CuPy has."""

    NAMES = (
        *("arange", "argsort", "bincount", "clip", "cumsum", "diff", "flatnonzero", "lexsort"),
        *("maximum", "minimum", "searchsorted", "stack", "unique", "where", "zeros"),
    )

    def __getattr__(self, name: str) -> object:
        assert name in self.NAMES, f"xp.{name} is not in the list of names that CuPy has"
        return getattr(np, name)


def test_the_reference_keeps_to_names_that_cupy_has() -> None:
    for seed in range(20):
        problem = random_compiled(seed)
        shards = random_shards(problem, seed)
        assert score(problem, shards, OnlyCuPy()) == score(problem, shards)
    cupy = pytest.importorskip("cupy", exc_type=ImportError)
    assert [name for name in OnlyCuPy.NAMES if not hasattr(cupy, name)] == []
