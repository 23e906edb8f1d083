// Scores of many plans as what sets of moves change on a base plan: one block for a plan.
//
// A plan is a list of changes: change c of a plan takes the units of move c / 2 from its source
// (even c) or brings them to its target (odd c). Sums of a plan go into scratch memory of the
// block, which is zero between plans: first all changes are added, then each touched number is
// *claimed* by exchanging it for zero, so that exactly one thread sees the whole sum and the
// scratch is clean again. Only touched rows are read; nothing of a plan crosses the bus but moves.
#include "exact.cuh"

struct Change {
    int job, rack;
    i64 units;
};

__device__ __forceinline__ Change change_at(const int* job, const int* source, const int* target,
                                            const i64* units, i64 first, int c) {
    i64 move = first + c / 2;
    return c % 2 ? Change{job[move], target[move], units[move]}
                 : Change{job[move], source[move], -units[move]};
}

// Linear rows: one warp for a change, lanes over the rows of its rack.
extern "C" __global__ void moved_loads(const i64* start, const int* job, const int* source,
                                       const int* target, const i64* units, int plans,
                                       const i64* entry_start, const int* entry_row,
                                       const i64* entry_weight, const int* entry_table,
                                       const i64* demand, const int* kind, int jobs, int kinds,
                                       int racks, const i64* limit, const i64* scale,
                                       const i64* row_load, int rows, i64* scratch,
                                       i64* violation) {
    i64* sums = scratch + static_cast<i64>(blockIdx.x) * rows;
    int warp = threadIdx.x / LANES, lane = threadIdx.x % LANES, warps = blockDim.x / LANES;
    for (int plan = blockIdx.x; plan < plans; plan += gridDim.x) {
        i64 first = start[plan];
        int changes = 2 * static_cast<int>(start[plan + 1] - first);
        for (int c = warp; c < changes; c += warps) {
            Change one = change_at(job, source, target, units, first, c);
            if (one.rack == NONE) continue;
            for (i64 n = entry_start[one.rack] + lane; n < entry_start[one.rack + 1]; n += LANES) {
                int table = entry_table[n];
                i64 at = static_cast<i64>(table) * jobs + one.job;
                i64 drawn = demand[at * kinds + kind[static_cast<i64>(table) * racks + one.rack]];
                if (drawn) add(&sums[entry_row[n]], entry_weight[n] * drawn * one.units);
            }
        }
        __syncthreads();
        i64 grown = 0;
        for (int c = warp; c < changes; c += warps) {
            Change one = change_at(job, source, target, units, first, c);
            if (one.rack == NONE) continue;
            for (i64 n = entry_start[one.rack] + lane; n < entry_start[one.rack + 1]; n += LANES) {
                int row = entry_row[n];
                i64 more = static_cast<i64>(
                    atomicExch(reinterpret_cast<unsigned long long*>(&sums[row]), 0ull));
                if (more)
                    grown += excess(row_load[row] + more, limit[row], scale[row]) -
                             excess(row_load[row], limit[row], scale[row]);
            }
        }
        __syncwarp();
        add_from_warp(&violation[plan], grown);
        __syncthreads();  // the scratch is clean before the next plan
    }
}

// What all changes of a plan add to one (group, domain), and whether change c is the first of it.
struct Net {
    i64 amount;
    bool is_first;
};

__device__ __forceinline__ Net net_of(const int* job, const int* source, const int* target,
                                      const i64* units, i64 first, int changes,
                                      const int* group_of_job, const i64* size, const int* kind,
                                      int kinds, const i64* domain_start, const int* domain,
                                      int own, int group, int place) {
    Net net{0, true};
    for (int c = 0; c < changes; ++c) {
        Change one = change_at(job, source, target, units, first, c);
        if (one.rack == NONE || group_of_job[one.job] != group) continue;
        for (i64 at = domain_start[one.rack]; at < domain_start[one.rack + 1]; ++at) {
            if (domain[at] != place) continue;
            net.amount += one.units * size[static_cast<i64>(one.job) * kinds + kind[one.rack]];
            net.is_first &= c >= own;
        }
    }
    return net;
}

extern "C" __global__ void moved_counts(const i64* start, const int* job, const int* source,
                                        const int* target, const i64* units, int plans,
                                        const int* group_of_job, const i64* size, const int* kind,
                                        int kinds, const i64* domain_start, const int* domain,
                                        int domains, const i64* limit, const i64* base,
                                        i64* violation) {
    for (int plan = blockIdx.x; plan < plans; plan += gridDim.x) {
        i64 first = start[plan], over = 0;
        int changes = 2 * static_cast<int>(start[plan + 1] - first);
        for (int c = threadIdx.x; c < changes; c += blockDim.x) {
            Change one = change_at(job, source, target, units, first, c);
            int group = group_of_job[one.job];
            if (one.rack == NONE || group == NONE) continue;
            for (i64 at = domain_start[one.rack]; at < domain_start[one.rack + 1]; ++at) {
                Net net = net_of(job, source, target, units, first, changes, group_of_job, size,
                                 kind, kinds, domain_start, domain, c, group, domain[at]);
                if (!net.is_first) continue;
                i64 above = base[static_cast<i64>(group) * domains + domain[at]] - limit[group];
                over += positive(above + net.amount) - positive(above);
            }
        }
        __syncwarp();
        add_from_warp(&violation[plan], over);
    }
}

// Bins: domains are racks; the bins that all groups take on a rack meet in the scratch.
extern "C" __global__ void moved_bins(const i64* start, const int* job, const int* source,
                                      const int* target, const i64* units, int plans,
                                      const int* group_of_job, const i64* size, const int* kind,
                                      int kinds, const i64* domain_start, const int* domain,
                                      int racks, const i64* bin_size, const i64* bins,
                                      const i64* slots, const i64* used, i64* scratch,
                                      i64* violation) {
    i64* taken = scratch + static_cast<i64>(blockIdx.x) * racks;
    for (int plan = blockIdx.x; plan < plans; plan += gridDim.x) {
        i64 first = start[plan], over = 0;
        int changes = 2 * static_cast<int>(start[plan + 1] - first);
        for (int c = threadIdx.x; c < changes; c += blockDim.x) {
            Change one = change_at(job, source, target, units, first, c);
            int group = group_of_job[one.job];
            if (one.rack == NONE || group == NONE) continue;
            Net net = net_of(job, source, target, units, first, changes, group_of_job, size, kind,
                             kinds, domain_start, domain, c, group, one.rack);
            if (!net.is_first) continue;
            i64 before = slots[static_cast<i64>(group) * racks + one.rack];
            i64 by = bin_size[one.rack];
            i64 more = ceil_div(before + net.amount, by) - ceil_div(before, by);
            if (more) add(&taken[one.rack], more);
        }
        __syncthreads();
        for (int c = threadIdx.x; c < changes; c += blockDim.x) {
            int r = change_at(job, source, target, units, first, c).rack;
            if (r == NONE) continue;
            i64 more = static_cast<i64>(
                atomicExch(reinterpret_cast<unsigned long long*>(&taken[r]), 0ull));
            over += positive(used[r] + more - bins[r]) - positive(used[r] - bins[r]);
        }
        __syncwarp();
        add_from_warp(&violation[plan], over);
        __syncthreads();
    }
}

// Groups that enter (1) or leave (-1) a domain. With present groups p and steps s the pairs of
// foes in a domain grow by s F p + s F s / 2. `steps` holds a step for every change of the batch.
extern "C" __global__ void moved_presence(const i64* start, const int* job, const int* source,
                                          const int* target, const i64* units, int plans,
                                          const int* group_of_job, const i64* size, const int* kind,
                                          int kinds, const i64* domain_start, const int* domain,
                                          int domains, int groups, const i64* foe_start,
                                          const int* foe, const unsigned char* are_foes,
                                          const i64* most, const i64* free_domains,
                                          const i64* price, const i64* base, const i64* used,
                                          int* steps, i64* scratch, i64* violation, i64* margin) {
    i64* gained = scratch + static_cast<i64>(blockIdx.x) * groups;
    for (int plan = blockIdx.x; plan < plans; plan += gridDim.x) {
        i64 first = start[plan], broken = 0, paid = 0;
        int changes = 2 * static_cast<int>(start[plan + 1] - first);
        int* step = steps + 2 * first;
        for (int c = threadIdx.x; c < changes; c += blockDim.x) {
            Change one = change_at(job, source, target, units, first, c);
            int group = group_of_job[one.job];
            step[c] = 0;
            if (one.rack == NONE || group == NONE) continue;
            if (domain_start[one.rack] == domain_start[one.rack + 1]) continue;
            int place = domain[domain_start[one.rack]];
            Net net = net_of(job, source, target, units, first, changes, group_of_job, size, kind,
                             kinds, domain_start, domain, c, group, place);
            if (!net.is_first) continue;
            i64 before = base[static_cast<i64>(group) * domains + place];
            int enters = (before + net.amount > 0) - (before > 0);
            step[c] = enters;
            if (!enters) continue;
            add(&gained[group], enters);
            for (i64 at = foe_start[group]; at < foe_start[group + 1]; ++at)
                broken += enters * (base[static_cast<i64>(foe[at]) * domains + place] > 0);
        }
        __syncthreads();
        for (int c = threadIdx.x; c < changes; c += blockDim.x) {
            Change one = change_at(job, source, target, units, first, c);
            int group = group_of_job[one.job];
            if (one.rack == NONE || group == NONE) continue;
            if (step[c]) {
                int place = domain[domain_start[one.rack]];
                for (int d = 0; d < c; ++d) {
                    if (!step[d]) continue;
                    Change other = change_at(job, source, target, units, first, d);
                    bool meet = domain[domain_start[other.rack]] == place &&
                                are_foes[static_cast<i64>(group) * groups + group_of_job[other.job]];
                    broken += meet ? step[c] * step[d] : 0;
                }
            }
            i64 more = static_cast<i64>(
                atomicExch(reinterpret_cast<unsigned long long*>(&gained[group]), 0ull));
            i64 over = used[group] - most[group], charged = used[group] - free_domains[group];
            broken += positive(over + more) - positive(over);
            paid += price[group] * (positive(charged + more) - positive(charged));
        }
        __syncwarp();
        add_from_warp(&violation[plan], broken);
        add_from_warp(&margin[plan], -paid);
        __syncthreads();
    }
}

// What a plan's changes add to the total of one job; `is_first` if change c is the first of it.
struct Growth {
    i64 units;
    bool is_first;
};

__device__ __forceinline__ Growth growth_of(const int* job, const int* source, const int* target,
                                            const i64* units, i64 first, int changes, int c, int j) {
    Growth own{0, true};
    for (int d = 0; d < changes; ++d) {
        Change one = change_at(job, source, target, units, first, d);
        if (one.job != j || one.rack == NONE) continue;
        own.units += one.units;
        own.is_first &= d >= c;
    }
    return own;
}

// Totals of jobs, units that count, value and firm GPUs. One thread for each change, except that
// all threads work on one survivor at a time, because its worst loss is a maximum over domains.
extern "C" __global__ void moved_jobs(const i64* start, const int* job, const int* source,
                                      const int* target, const i64* units, int plans,
                                      const i64* domain_start, const int* domain, int domains,
                                      const int* survivor_of_job, const i64* at_risk,
                                      const unsigned char* counts, const i64* total,
                                      const i64* counted, const i64* least, const i64* most,
                                      const i64* counted_most, const i64* held_back,
                                      const i64* value, const i64* firm, i64* scratch,
                                      i64* violation, i64* margin, i64* unmet) {
    DYNAMIC_SHARED(i64, worst);  // of each warp
    i64* lost = scratch + static_cast<i64>(blockIdx.x) * domains;
    int warp = threadIdx.x / LANES, lane = threadIdx.x % LANES, warps = blockDim.x / LANES;
    for (int plan = blockIdx.x; plan < plans; plan += gridDim.x) {
        i64 first = start[plan], broken = 0, paid = 0, missing = 0;
        int changes = 2 * static_cast<int>(start[plan + 1] - first);
        auto settle = [&](int j, i64 more, i64 loss) {
            i64 before = total[j], after = before + more;
            broken += (after > 0 ? positive(least[j] - after) : 0) + positive(after - most[j]) -
                      (before > 0 ? positive(least[j] - before) : 0) - positive(before - most[j]);
            i64 now = min(positive(after - held_back[j] - loss), counted_most[j]) - counted[j];
            paid += value[j] * now;
            missing -= firm[j] * now;
        };
        for (int c = threadIdx.x; c < changes; c += blockDim.x) {
            Change one = change_at(job, source, target, units, first, c);
            if (one.rack == NONE || survivor_of_job[one.job] != NONE) continue;
            Growth own = growth_of(job, source, target, units, first, changes, c, one.job);
            if (own.is_first) settle(one.job, own.units, 0);
        }
        for (int c = 0; c < changes; ++c) {
            Change of_all = change_at(job, source, target, units, first, c);
            int j = of_all.job, survivor = survivor_of_job[j];
            if (of_all.rack == NONE || survivor == NONE) continue;
            Growth own = growth_of(job, source, target, units, first, changes, c, j);
            if (!own.is_first) continue;
            i64 loss = 0;
            for (int d = threadIdx.x; d < changes; d += blockDim.x) {
                Change one = change_at(job, source, target, units, first, d);
                if (one.job != j || one.rack == NONE) continue;
                for (i64 at = domain_start[one.rack]; at < domain_start[one.rack + 1]; ++at)
                    add(&lost[domain[at]], one.units);
            }
            __syncthreads();
            for (int d = threadIdx.x; d < domains; d += blockDim.x) {
                i64 at = static_cast<i64>(survivor) * domains + d;
                if (counts[at]) loss = max(loss, at_risk[at] + lost[d]);
                lost[d] = 0;
            }
            __syncwarp();
            for (int lanes = LANES / 2; lanes; lanes /= 2)
                loss = max(loss, __shfl_xor_sync(ALL_LANES, loss, lanes));
            if (lane == 0) worst[warp] = loss;
            __syncthreads();
            for (int w = 0; w < warps; ++w) loss = max(loss, worst[w]);
            __syncthreads();  // all have read before the next job overwrites
            if (threadIdx.x == 0) settle(j, own.units, loss);
        }
        __syncwarp();
        add_from_warp(&violation[plan], broken);
        add_from_warp(&margin[plan], paid);
        add_from_warp(&unmet[plan], missing);
    }
}

// Cost by place, homes, and whether more units leave a rack than lie there.
extern "C" __global__ void moved_costs(const i64* start, const int* job, const int* source,
                                       const int* target, const i64* units, int plans,
                                       const i64* cost, const unsigned char* allowed,
                                       const int* kind, int kinds, const int* shard_job,
                                       const int* shard_rack, const i64* shard_units, int shards,
                                       const int* home_job, const int* home_rack,
                                       const i64* home_units, const i64* move_mills, int homes,
                                       i64* violation, i64* margin, int* impossible) {
    for (int plan = blockIdx.x; plan < plans; plan += gridDim.x) {
        i64 first = start[plan], forbidden = 0, paid = 0;
        int changes = 2 * static_cast<int>(start[plan + 1] - first);
        for (int c = threadIdx.x; c < changes; c += blockDim.x) {
            Change one = change_at(job, source, target, units, first, c);
            if (one.rack == NONE) continue;
            i64 at = static_cast<i64>(one.job) * kinds + kind[one.rack];
            forbidden += allowed[at] ? 0 : one.units;
            paid += cost[at] * one.units;
            i64 net = 0;
            bool is_first = true;
            for (int d = 0; d < changes; ++d) {
                Change other = change_at(job, source, target, units, first, d);
                if (other.job != one.job || other.rack != one.rack) continue;
                net += other.units;
                is_first &= d >= c;
            }
            if (!is_first) continue;
            int shard = find_pair(shard_job, shard_rack, shards, one.job, one.rack);
            i64 here = shard == NONE ? 0 : shard_units[shard];
            if (here + net < 0) *impossible = 1;
            int home = find_pair(home_job, home_rack, homes, one.job, one.rack);
            if (home == NONE) continue;
            i64 missing = home_units[home] - here;
            paid += move_mills[home] * (positive(missing - net) - positive(missing));
        }
        __syncwarp();
        add_from_warp(&violation[plan], forbidden);
        add_from_warp(&margin[plan], -paid);
    }
}
