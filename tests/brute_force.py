"""The score of a compiled problem by plain loops over a dense table, one function a form."""

from __future__ import annotations

from collections.abc import Iterator

from kernels.forms import (
    NONE,
    AssignmentCost,
    Compiled,
    Form,
    GroupCount,
    GroupPresence,
    LinearLoad,
    Packing,
    Rows,
    Shards,
)

Table = list[list[int]]  # units by job and rack


def brute_score(problem: Compiled, shards: Shards) -> tuple[int, int, int]:
    """Return violation, unmet firm GPUs and negative margin."""
    table = [[0] * problem.num_racks for _ in range(problem.num_jobs)]
    for j, r, units in zip(shards.job, shards.rack, shards.units, strict=True):
        table[j][r] = int(units)
    paid = [brute_counted(problem, table, j) for j in range(problem.num_jobs)]
    violation = sum(brute_violation(form, table) for form in problem.forms)
    unmet = margin = 0
    for j, placed in enumerate(table):
        total, least, most = sum(placed), problem.units.least[j], problem.units.most[j]
        if 0 < total < least:
            violation += int(least) - total
        violation += max(0, total - int(most))
    for form in problem.forms:
        if isinstance(form, AssignmentCost):
            margin += brute_assignment_margin(form, table, paid)
            for j, gpus in enumerate(form.firm_gpus.tolist()):
                unmet += gpus * (int(problem.units.counted_most[j]) - paid[j])
        elif isinstance(form, GroupPresence):
            for g, price in enumerate(form.price_mills.tolist()):
                used = sum(g in groups for groups in groups_in_domains(form, table))
                margin -= price * max(0, used - int(form.free_domains[g]))
    return violation, unmet, -margin


def brute_counted(problem: Compiled, table: Table, j: int) -> int:
    """Return the units of a job that count."""
    losses = [
        sum(table[j][r] for r, _ in entries(form.domains, d))
        for form in problem.forms
        if isinstance(form, GroupCount) and form.survives[j]
        for d in range(form.domains.num_rows)
    ]
    safe = sum(table[j]) - int(problem.units.held_back[j]) - max(losses, default=0)
    return max(0, min(safe, int(problem.units.counted_most[j])))


def brute_violation(form: Form, table: Table) -> int:
    """Return the violation of one form."""
    if isinstance(form, LinearLoad):
        return sum(brute_excess(form, table, i) for i in range(form.rows.num_rows))
    if isinstance(form, Packing):
        return sum(max(0, brute_bins(form, table, r) - n) for r, n in enumerate(form.bins.tolist()))
    if isinstance(form, GroupCount):
        return brute_count_violation(form, table)
    if isinstance(form, GroupPresence):
        return brute_presence_violation(form, table)
    kinds = form.kind_of_rack.tolist()
    return sum(
        units
        for j, placed in enumerate(table)
        for r, units in enumerate(placed)
        if not form.allowed[j, kinds[r]]
    )


def brute_excess(form: LinearLoad, table: Table, i: int) -> int:
    """Return what is above the limit of one row, in started units."""
    load = int(form.base[i])
    for r, weight in entries(form.rows, i):
        for j, placed in enumerate(table):
            load += weight * int(form.demand[j, form.kind_of_rack[r]]) * placed[r]
    return (max(0, load - int(form.limit[i])) + form.scale - 1) // form.scale


def brute_bins(form: Packing, table: Table, r: int) -> int:
    """Return the bins that are taken on one rack."""
    slots: dict[int, int] = {}
    for j, placed in enumerate(table):
        group = int(form.group_of_job[j])
        if group != NONE:
            size = int(form.size[j, form.kind_of_rack[r]])
            slots[group] = slots.get(group, 0) + size * placed[r]
    bin_size = int(form.bin_size[r])
    return sum((taken + bin_size - 1) // bin_size for taken in slots.values())


def brute_count_violation(form: GroupCount, table: Table) -> int:
    """Return the units above the limit of each group in each domain."""
    violation = 0
    for d in range(form.domains.num_rows):
        for g, limit in enumerate(form.limit.tolist()):
            members = [placed for j, placed in enumerate(table) if form.group_of_job[j] == g]
            inside = sum(placed[r] for placed in members for r, _ in entries(form.domains, d))
            violation += max(0, inside - limit)
    return violation


def brute_presence_violation(form: GroupPresence, table: Table) -> int:
    """Return forbidden pairs and domains above the most that a group may have."""
    domains = groups_in_domains(form, table)
    violation = 0
    for g, most in enumerate(form.max_domains.tolist()):
        violation += max(0, sum(g in groups for groups in domains) - most)
    if form.may_share is not None:
        for groups in domains:
            pairs = [(g, h) for g in groups for h in groups if g < h]
            violation += sum(not form.may_share[g, h] for g, h in pairs)
    return violation


def brute_assignment_margin(form: AssignmentCost, table: Table, paid: list[int]) -> int:
    """Return value less cost, moves and base."""
    margin = -form.base_mills
    for j, placed in enumerate(table):
        margin += int(form.value_mills[j]) * paid[j]
        for r, units in enumerate(placed):
            margin -= int(form.cost_mills[j, form.kind_of_rack[r]]) * units
    homes = (form.home_job, form.home_rack, form.home_units, form.move_mills)
    for j, r, home, mills in zip(*(each.tolist() for each in homes), strict=True):
        margin -= mills * max(0, home - table[j][r])
    return margin


def groups_in_domains(form: GroupPresence, table: Table) -> list[set[int]]:
    """Return the groups that are present in each domain."""
    found: list[set[int]] = [set() for _ in range(form.num_domains)]
    for j, placed in enumerate(table):
        for r, units in enumerate(placed):
            g, d = int(form.group_of_job[j]), int(form.domain_of_rack[r])
            if units and g != NONE and d != NONE:
                found[d].add(g)
    return found


def entries(rows: Rows, i: int) -> Iterator[tuple[int, int]]:
    """Yield rack and weight of every entry of a row."""
    for n in range(int(rows.start[i]), int(rows.start[i + 1])):
        yield int(rows.rack[n]), int(rows.weight[n])
