// What every candidate changes where it leaves, and what it has in common with others: one thread
// for a candidate, one kernel for a form. `leaves` is (3, N): violation, unmet firm GPUs, margin.
// Columns of labels, (N,) each, say which candidates are alike far from their sources.
#include "exact.cuh"
#include "sweep.cuh"

// Linear rows. The first of these kernels: it writes what the others add to.
extern "C" __global__ void leave_rows(const int* job, const int* source, const i64* units,
                                      int candidates, const i64* entry_start, const int* entry_row,
                                      const i64* entry_weight, const int* entry_table,
                                      const i64* demand, const int* kind, int jobs, int kinds,
                                      int racks, const i64* row_load, const i64* limit,
                                      const i64* scale, const unsigned char* tight,
                                      const i64* type_of_job, i64* type, i64* amount, i64* leaves,
                                      i64* everywhere) {
    int n = global_thread();
    if (n >= candidates) return;
    i64 less = 0;
    int r = source[n];
    for (i64 at = r == NONE ? 0 : entry_start[r]; at < (r == NONE ? 0 : entry_start[r + 1]); ++at) {
        int row = entry_row[at];
        if (!tight[row]) continue;
        i64 drawn = drawn_of(demand, kind, jobs, kinds, racks, entry_table[at], job[n], r);
        i64 load = row_load[row], left = load - entry_weight[at] * drawn * units[n];
        less += excess(left, limit[row], scale[row]) - excess(load, limit[row], scale[row]);
    }
    type[n] = type_of_job[job[n]];
    amount[n] = units[n];
    everywhere[n] = 0;
    leaves[n] = less;
    leaves[static_cast<i64>(candidates) + n] = 0;
    leaves[2 * static_cast<i64>(candidates) + n] = 0;
}

// Bins. The label is the group if it lies on other racks as well.
extern "C" __global__ void leave_bins(const int* job, const int* source, const i64* units,
                                      int candidates, const int* group_of_job, const i64* size,
                                      const int* kind, int kinds, int racks, const i64* bin_size,
                                      const i64* bins, const i64* used, const i64* slots,
                                      const i64* racks_of_group, i64* label, i64* leaves) {
    int n = global_thread();
    if (n >= candidates) return;
    int group = group_of_job[job[n]], r = source[n];
    label[n] = group != NONE && racks_of_group[group] > (r != NONE) ? group : NONE;
    if (group == NONE || r == NONE) return;
    i64 before = slots[static_cast<i64>(group) * racks + r];
    i64 after = before - size[static_cast<i64>(job[n]) * kinds + kind[r]] * units[n];
    i64 freed = ceil_div(before, bin_size[r]) - ceil_div(after, bin_size[r]);
    leaves[n] += positive(used[r] - freed - bins[r]) - positive(used[r] - bins[r]);
}

// Racks on which a group has slots: one thread for a group and a rack.
extern "C" __global__ void bin_racks(const i64* slots, int groups, int racks, i64* racks_of_group) {
    int n = global_thread();
    if (n < groups * racks && slots[n]) add(&racks_of_group[n / racks], 1);
}

// Groups with which a group may not share, in every domain: one thread for a (group, domain).
extern "C" __global__ void foes_present(const i64* units, const i64* foe_start, const int* foe,
                                        int groups, int domains, int* foes) {
    int n = global_thread();
    if (n >= groups * domains) return;
    int group = n / domains, met = 0;
    for (i64 at = foe_start[group]; at < foe_start[group + 1]; ++at)
        met += units[static_cast<i64>(foe[at]) * domains + n % domains] > 0;
    foes[n] = met;
}

// Domains of a group. Labels: the group if it has foes, or if it lies elsewhere and pays for the
// next domain; the packed price of that domain where not all racks cost it alike. `undone` is what
// a candidate that enters the domain of its source again gets back, packed.
extern "C" __global__ void leave_domains(const int* job, const int* source, const i64* units,
                                         int candidates, const int* group_of_job,
                                         const int* domain_of_rack, int domains, int some_outside,
                                         const i64* pair_units, const i64* used, const i64* most,
                                         const i64* free_domains, const i64* price_mills,
                                         const i64* foe_start, const int* foes, i64 step,
                                         i64* label, i64* price_label, i64* undone, i64* leaves,
                                         i64* everywhere) {
    int n = global_thread();
    if (n >= candidates) return;
    int group = group_of_job[job[n]];
    label[n] = NONE;
    price_label[n] = undone[n] = 0;
    if (group == NONE) return;
    int domain = source[n] == NONE ? NONE : domain_of_rack[source[n]];
    i64 at = static_cast<i64>(group) * domains + domain, there = used[group];
    bool last = domain != NONE && pair_units[at] == units[n];
    bool has_foes = foe_start[group + 1] > foe_start[group];
    i64 others = there - last;
    i64 price = others >= most[group] ? step : 0;
    if (others >= free_domains[group]) price += price_mills[group];
    bool own = has_foes || (others > 0 && price != 0);
    if (own) label[n] = group;
    if (own || some_outside) price_label[n] = price;
    if (!has_foes && !some_outside) everywhere[n] += price;
    if (!last) return;
    i64 violation = -(there > most[group]) - (has_foes ? foes[at] : 0);
    i64 margin = there > free_domains[group] ? price_mills[group] : 0;
    leaves[n] += violation;
    leaves[2 * static_cast<i64>(candidates) + n] += margin;
    if (own) undone[n] = margin - violation * step;
}

// Units above the limits of groups. The label is the group if a limit concerns it.
extern "C" __global__ void leave_limits(const int* job, const int* source, const i64* units,
                                        int candidates, const int* group_of_job, const i64* limit,
                                        i64 unlimited, const i64* start, const int* domain,
                                        int domains, const i64* pair_units, i64* label,
                                        i64* leaves) {
    int n = global_thread();
    if (n >= candidates) return;
    int group = group_of_job[job[n]], r = source[n];
    label[n] = group != NONE && limit[group] < unlimited ? group : NONE;
    if (label[n] == NONE || r == NONE) return;
    i64 less = 0;
    for (i64 at = start[r]; at < start[r + 1]; ++at) {
        i64 above = pair_units[static_cast<i64>(group) * domains + domain[at]] - limit[group];
        less += positive(above - units[n]) - positive(above);
    }
    leaves[n] += less;
}
