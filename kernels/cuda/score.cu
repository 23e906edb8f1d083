// Full score of one plan. Every kernel reads its arrays once and coalesced where it can; together
// they touch about 2 MB at 16,384 racks and 50,000 jobs, so launches cost more than memory: the
// sequence is recorded and replayed as one graph.
#include "exact.cuh"

// Load of racks in every demand table: one thread for a shard and a table; sums by atomics, whose
// order does not matter in integers.
extern "C" __global__ void rack_loads(const int* job, const int* rack, const i64* units, int shards,
                                      const i64* demand, const int* kind, int tables, int jobs,
                                      int kinds, int racks, i64* loads) {
    int n = global_thread();
    if (n >= shards * tables) return;
    int shard = n % shards, table = n / shards, r = rack[shard];
    i64 row = static_cast<i64>(table) * jobs + job[shard];
    i64 drawn = demand[row * kinds + kind[static_cast<i64>(table) * racks + r]] * units[shard];
    if (drawn) add(&loads[static_cast<i64>(table) * racks + r], drawn);
}

// Load and excess of every row: one warp for a row, lanes stride over its racks.
extern "C" __global__ void row_excess(const i64* row_start, const int* rack, const i64* weight,
                                      const int* table, const i64* base, const i64* limit,
                                      const i64* scale, const int* slot, int rows, int racks,
                                      const i64* loads, i64* row_load, i64* violation) {
    int row = global_thread() / LANES, lane = threadIdx.x % LANES;
    if (row >= rows) return;
    const i64* of_table = loads + static_cast<i64>(table[row]) * racks;
    i64 load = 0;
    for (i64 n = row_start[row] + lane; n < row_start[row + 1]; n += LANES)
        load += weight[n] * of_table[rack[n]];
    load = warp_sum(load) + base[row];
    if (lane) return;
    row_load[row] = load;
    i64 over = excess(load, limit[row], scale[row]);
    if (over) add(&violation[slot[row]], over);
}

// Units (or slots) of every group in every domain: one thread for a shard; `table` is (G, D).
extern "C" __global__ void add_pairs(const int* job, const int* rack, const i64* units, int shards,
                                     const int* group_of_job, const i64* size, const int* kind,
                                     int kinds, const i64* start, const int* domain, int domains,
                                     i64* table) {
    int n = global_thread();
    if (n >= shards) return;
    int group = group_of_job[job[n]], r = rack[n];
    if (group == NONE) return;
    i64 amount = units[n] * size[static_cast<i64>(job[n]) * kinds + kind[r]];
    for (i64 at = start[r]; at < start[r + 1]; ++at)
        add(&table[static_cast<i64>(group) * domains + domain[at]], amount);
}

// Bins that groups fill on racks; no two groups share one.
extern "C" __global__ void bins_taken(const i64* slots, int groups, int racks, const i64* bin_size,
                                      i64* used) {
    int n = global_thread();
    if (n < groups * racks && slots[n]) add(&used[n % racks], ceil_div(slots[n], bin_size[n % racks]));
}

extern "C" __global__ void bins_over(const i64* used, const i64* bins, int racks, int slot,
                                     i64* violation) {
    int r = global_thread();
    add_from_warp(&violation[slot], r < racks ? positive(used[r] - bins[r]) : 0);
}

extern "C" __global__ void counts_over(const i64* units, const i64* limit, int groups, int domains,
                                       int slot, i64* violation) {
    int n = global_thread();
    add_from_warp(&violation[slot],
                  n < groups * domains ? positive(units[n] - limit[n / domains]) : 0);
}

// Domains of every group, and pairs of foes in one domain, each pair once: one thread for a
// (group, domain); foes of a group are a list, ascending from `foe_start`.
extern "C" __global__ void presence_pairs(const i64* units, const i64* foe_start, const int* foe,
                                          int groups, int domains, int slot, i64* used,
                                          i64* violation) {
    int n = global_thread();
    i64 met = 0;
    if (n < groups * domains && units[n] > 0) {
        int group = n / domains, domain = n % domains;
        add(&used[group], 1);
        for (i64 at = foe_start[group]; at < foe_start[group + 1] && foe[at] < group; ++at)
            met += units[static_cast<i64>(foe[at]) * domains + domain] > 0;
    }
    add_from_warp(&violation[slot], met);
}

extern "C" __global__ void domains_paid(const i64* used, const i64* most, const i64* free_domains,
                                        const i64* price, int groups, int slot, i64* violation,
                                        i64* margin) {
    int g = global_thread();
    add_from_warp(&violation[slot], g < groups ? positive(used[g] - most[g]) : 0);
    add_from_warp(&margin[slot], g < groups ? -price[g] * positive(used[g] - free_domains[g]) : 0);
}

extern "C" __global__ void job_totals(const int* job, const i64* units, int shards, i64* total) {
    int n = global_thread();
    if (n < shards) add(&total[job[n]], units[n]);
}

// Most units that a surviving job has in one domain that counts for it: one warp for a job.
extern "C" __global__ void worst_losses(const i64* units, const unsigned char* counts,
                                        const int* survivor_job, int survivors, int domains,
                                        i64* loss) {
    int survivor = global_thread() / LANES, lane = threadIdx.x % LANES;
    if (survivor >= survivors) return;
    i64 worst = 0;
    for (int d = lane; d < domains; d += LANES) {
        i64 at = static_cast<i64>(survivor) * domains + d;
        if (counts[at]) worst = max(worst, units[at]);
    }
    for (int lanes = LANES / 2; lanes; lanes /= 2)
        worst = max(worst, __shfl_xor_sync(ALL_LANES, worst, lanes));
    if (lane == 0) loss[survivor_job[survivor]] = worst;
}

// Units that count, and totals that are neither 0 nor between least and most.
extern "C" __global__ void count_units(const i64* total, const i64* loss, const i64* least,
                                       const i64* most, const i64* counted_most,
                                       const i64* held_back, int jobs, int slot, i64* counted,
                                       i64* violation) {
    int j = global_thread();
    i64 wrong = 0;
    if (j < jobs) {
        i64 safe = positive(total[j] - held_back[j] - loss[j]);
        counted[j] = min(safe, counted_most[j]);
        wrong = (total[j] > 0 ? positive(least[j] - total[j]) : 0) + positive(total[j] - most[j]);
    }
    add_from_warp(&violation[slot], wrong);
}

// Cost and prohibition by kind of rack: one thread for a shard.
extern "C" __global__ void place_costs(const int* job, const int* rack, const i64* units, int shards,
                                       const i64* cost, const unsigned char* allowed,
                                       const int* kind, int kinds, int slot, i64* violation,
                                       i64* margin) {
    int n = global_thread();
    i64 forbidden = 0, paid = 0;
    if (n < shards) {
        i64 at = static_cast<i64>(job[n]) * kinds + kind[rack[n]];
        forbidden = allowed[at] ? 0 : units[n];
        paid = cost[at] * units[n];
    }
    add_from_warp(&violation[slot], forbidden);
    add_from_warp(&margin[slot], -paid);
}

// Value of units that count, and firm GPUs that stay open.
extern "C" __global__ void values(const i64* counted, const i64* counted_most, const i64* value,
                                  const i64* firm, int jobs, int slot, i64* margin, i64* unmet) {
    int j = global_thread();
    add_from_warp(&margin[slot], j < jobs ? value[j] * counted[j] : 0);
    add_from_warp(unmet, j < jobs ? firm[j] * (counted_most[j] - counted[j]) : 0);
}

// Cost of units that are not at home; shards are sorted by job, then rack.
extern "C" __global__ void moves_paid(const int* job, const int* rack, const i64* units, int shards,
                                      const int* home_job, const int* home_rack,
                                      const i64* home_units, const i64* move_mills, int homes,
                                      int slot, i64* margin) {
    int h = global_thread();
    i64 paid = 0;
    if (h < homes) {
        int at = find_pair(job, rack, shards, home_job[h], home_rack[h]);
        paid = move_mills[h] * positive(home_units[h] - (at == NONE ? 0 : units[at]));
    }
    add_from_warp(&margin[slot], -paid);
}
