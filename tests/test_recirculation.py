"""The recirculation matrix: physics, rounding, and what stands for the entries left out."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest

from scheduler.inputs.catalogue import catalogue
from scheduler.inputs.expand_layout import ArrayPlan, Seat
from scheduler.inputs.recirculation import (
    ENTRIES_PER_RACK,
    generate_shares,
    heat_matrix,
    largest,
    recirculation,
)


def arrays(count: int, racks: int = 8, kind: str = "hgx-h100-liquid") -> Iterator[ArrayPlan]:
    """Arrays of 8 racks, two in a row."""
    for number in range(count):
        seats = tuple(
            Seat(f"A{number}-R{r}", number // 2, number % 2 * racks + r) for r in range(racks)
        )
        yield ArrayPlan(f"A{number}", "P1", 0, catalogue()[kind], seats)


def test_two_racks_by_hand() -> None:
    # K = 100 W/K each; rack 0 sends a tenth of its outlet heat to inlet 1, nothing else returns.
    # T_in,0 = T_sup; T_in,1 = T_sup + 0.1 * (T_out,0 - T_sup) = T_sup + 0.1 * P_0 / 100
    shares = np.array([[0.0, 0.1], [0.0, 0.0]])
    heat = heat_matrix(shares, np.array([100.0, 100.0]))
    assert heat == pytest.approx(np.array([[0.0, 0.0], [0.001, 0.0]]))


def test_self_recirculation_by_hand() -> None:
    # T_in = T_sup + 0.2 (T_out - T_sup), T_out = T_in + P / 100: rise = 0.2 / 0.8 * P / 100
    heat = heat_matrix(np.array([[0.2]]), np.array([100.0]))
    assert heat[0, 0] == pytest.approx(0.0025)


def test_heat_balance_is_a_fixed_point() -> None:
    draw = np.random.default_rng(0)
    shares = draw.random((6, 6)) / 20
    airflow = draw.uniform(500, 1500, 6)
    power = draw.uniform(1e3, 2e4, 6)
    inlet = 22 + heat_matrix(shares, airflow) @ power
    outlet = inlet + power / airflow
    # q_in = A^T q_out + q_sup, where supply air makes up for what exhaust does not bring
    exhaust = shares.T @ (airflow * outlet)
    supplied = (airflow - shares.T @ airflow) * 22
    assert inlet * airflow == pytest.approx(exhaust + supplied, rel=1e-12)
    # and the same matrix as the difference of two inverses
    capacity = np.diag(airflow)
    inverse = np.linalg.inv(capacity - shares.T @ capacity) - np.linalg.inv(capacity)
    assert heat_matrix(shares, airflow) == pytest.approx(inverse, abs=1e-15)


@pytest.mark.parametrize(("containment", "middle", "end"), [("aisle", 3, 6), ("none", 20, 30)])
def test_shares_that_come_back(containment: str, middle: int, end: int) -> None:
    row, position = np.zeros(5, int), np.arange(5)
    shares = generate_shares(row, position, np.full(5, 1000.0), containment)
    percent = np.round(shares.sum(axis=1) * 100, 9)
    assert list(percent) == [end, middle, middle, middle, end]
    assert (shares >= 0).all()


def test_near_racks_and_the_same_aisle_get_more() -> None:
    # rows 0 and 1 share a hot aisle, row 2 lies across the cold aisle
    row, position = np.array([0, 0, 0, 1, 2]), np.array([0, 1, 9, 0, 0])
    shares = generate_shares(row, position, np.full(5, 1000.0), "aisle")[0]
    assert shares[1] > shares[2]
    assert shares[3] > 3 * shares[4]


def test_at_most_half_of_an_inlets_air_is_exhaust() -> None:
    # a rack with a tenth of the airflow beside strong ones: unscaled it would breathe exhaust only
    airflow = np.array([5000.0, 100.0, 5000.0])
    shares = generate_shares(np.zeros(3, int), np.arange(3), airflow, "none")
    exhaust = airflow @ shares / airflow
    assert exhaust[1] == pytest.approx(0.5)
    assert (exhaust <= 0.5 + 1e-12).all()
    assert (heat_matrix(shares, airflow) >= 0).all()


def test_largest_marks_the_first_of_equals() -> None:
    matrix = np.array([[5, 1, 5, 5], [0, 2, 1, 3]])
    assert largest(matrix, 2).tolist() == [[True, False, True, False], [False, True, False, True]]


@pytest.mark.parametrize("containment", ["aisle", "none"])
def test_no_inlet_is_colder_than_the_whole_matrix_says(containment: str) -> None:
    hall = list(arrays(12))
    air = recirculation(hall, containment, "observed_peak")
    racks = [seat for array in hall for seat in array.seats]
    row, position = np.array([s.row for s in racks]), np.array([s.position for s in racks])
    airflow = np.full(len(racks), 1360.0)
    whole = heat_matrix(generate_shares(row, position, airflow, containment), airflow)
    index = {seat.rack: r for r, seat in enumerate(racks)}
    kept = np.zeros(whole.shape)
    for entry in air.entries:
        kept[index[entry.rack], index[entry.source]] = entry.nk_per_w / 1e9
    draw = np.random.default_rng(1)
    most_w = 67_200 * 0.2
    assert air.raise_mk > 0
    for power in (np.full(len(racks), most_w), *draw.choice([0, most_w], (20, len(racks)))):
        assert (kept @ power + air.raise_mk / 1000 >= whole @ power).all()
    # and it is not far on the safe side: the raise is what the entries left out really add
    left_out = (whole - np.where(kept > 0, whole, 0)) @ np.full(len(racks), most_w)
    assert air.raise_mk / 1000 == pytest.approx(left_out.max(), abs=2e-3)


def test_entries_are_few_and_it_is_fast() -> None:
    hall = list(arrays(44))
    start = time.perf_counter()
    air = recirculation(hall, "aisle", "nameplate")
    assert time.perf_counter() - start < 1
    per_rack = Counter(entry.rack for entry in air.entries)
    assert len(per_rack) == 352
    assert max(per_rack.values()) <= ENTRIES_PER_RACK
    assert all(entry.nk_per_w > 0 for entry in air.entries)


def test_the_basis_sets_the_raise_only() -> None:
    hall = list(arrays(12))
    observed = recirculation(hall, "aisle", "observed_peak")
    nameplate = recirculation(hall, "aisle", "nameplate")
    assert observed.entries == nameplate.entries
    # 81.6 / 67.2 = 1.214 of the raise, both rounded up
    assert nameplate.raise_mk == pytest.approx(observed.raise_mk * 81.6 / 67.2, abs=2)


def test_racks_without_air_heat_take_no_part() -> None:
    assert (
        recirculation(list(arrays(2, kind="vera-rubin-nvl72")), "none", "nameplate").entries == ()
    )
