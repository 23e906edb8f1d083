// The sweep of all moves. A packed change orders (violation, unmet, margin) in one integer; rows
// hold what a family of candidates adds on every rack, laid out by position = slot * blocks +
// block, so that neighbouring threads read neighbouring blocks.
//
// Traffic: a row of 16,384 racks is 131 KB, written once and read once for its minima (L2), then
// only at the blocks that a candidate looks at. Bound by memory, not by arithmetic.
#include "exact.cuh"

constexpr i64 NOWHERE = 1ll << 61;

// Linear rows: what one class of candidates adds to the excess of the rows of each rack. One
// thread for a class and a rack.
extern "C" __global__ void class_loads(const int* class_job, const i64* class_units, int classes,
                                       const i64* entry_start, const int* entry_row,
                                       const i64* entry_weight, const int* entry_table,
                                       const i64* demand, const int* kind, int jobs, int kinds,
                                       int racks, const i64* row_load, const i64* limit,
                                       const i64* scale, i64 step, i64* class_rows) {
    int n = global_thread();
    if (n >= classes * racks) return;
    int c = n / racks, r = n % racks;
    i64 more = 0;
    for (i64 at = entry_start[r]; at < entry_start[r + 1]; ++at) {
        int row = entry_row[at], table = entry_table[at];
        i64 of_job = static_cast<i64>(table) * jobs + class_job[c];
        i64 drawn = demand[of_job * kinds + kind[static_cast<i64>(table) * racks + r]];
        i64 load = row_load[row], after = load + entry_weight[at] * drawn * class_units[c];
        if (after > limit[row] || load > limit[row])
            more += excess(after, limit[row], scale[row]) - excess(load, limit[row], scale[row]);
    }
    class_rows[n] = more * step;
}

// Bins that a class takes on racks without its group.
extern "C" __global__ void class_bins(const int* class_job, const i64* class_units, int classes,
                                      const int* group_of_job, const i64* size, const int* kind,
                                      int kinds, int racks, const i64* bin_size, const i64* bins,
                                      const i64* used, i64 step, i64* class_rows) {
    int n = global_thread();
    if (n >= classes * racks) return;
    int c = n / racks, r = n % racks, job = class_job[c];
    if (group_of_job[job] == NONE) return;
    i64 slots = size[static_cast<i64>(job) * kinds + kind[r]] * class_units[c];
    i64 taken = used[r] + ceil_div(slots, bin_size[r]);
    class_rows[n] += step * (positive(taken - bins[r]) - positive(used[r] - bins[r]));
}

// Packed cost and prohibition by kind of rack.
extern "C" __global__ void class_kinds(const i64* packed, const int* kind, int kinds, int classes,
                                       int racks, i64* class_rows) {
    int n = global_thread();
    if (n < classes * racks)
        class_rows[n] += packed[static_cast<i64>(n / racks) * kinds + kind[n % racks]];
}

// One more domain for the group of a bundle, and the foes that it would meet there; nothing where
// the group is present already. `units` is (G, D) of the plan.
extern "C" __global__ void bundle_presence(const int* group_of_bundle, const i64* price_of_bundle,
                                           int bundles, const i64* domain_start, const int* domain,
                                           int domains, int racks, const i64* units,
                                           const i64* foe_start, const int* foe, i64 step,
                                           i64* bundle_rows) {
    int n = global_thread();
    if (n >= bundles * racks) return;
    int b = n / racks, r = n % racks, group = group_of_bundle[b];
    if (domain_start[r] == domain_start[r + 1]) return;
    i64 more = price_of_bundle[b];
    if (group != NONE) {
        int place = domain[domain_start[r]];
        if (units[static_cast<i64>(group) * domains + place] > 0) return;
        for (i64 at = foe_start[group]; at < foe_start[group + 1]; ++at)
            more += step * (units[static_cast<i64>(foe[at]) * domains + place] > 0);
    }
    bundle_rows[n] += more;
}

// Units above the limit of a bundle's group, in all domains of each rack.
extern "C" __global__ void bundle_limits(const int* group_of_bundle, const i64* units_of_bundle,
                                         int bundles, const i64* domain_start, const int* domain,
                                         int domains, int racks, const i64* units,
                                         const i64* limit, i64 step, i64* bundle_rows) {
    int n = global_thread();
    if (n >= bundles * racks) return;
    int b = n / racks, r = n % racks, group = group_of_bundle[b];
    if (group == NONE) return;
    i64 more = 0;
    for (i64 at = domain_start[r]; at < domain_start[r + 1]; ++at) {
        i64 above = units[static_cast<i64>(group) * domains + domain[at]] - limit[group];
        more += positive(above + units_of_bundle[b]) - positive(above);
    }
    bundle_rows[n] += step * more;
}

// Rows of families: one block for a family; the last position is of no rack.
extern "C" __global__ void family_rows(const int* family_class, const int* family_bundle,
                                       int families, const i64* class_rows, const i64* bundle_rows,
                                       const int* rack_at, int positions, int racks,
                                       const i64* patch_start, const int* patch_rack,
                                       const i64* patch_more, const i64* position_of_rack,
                                       i64* rows) {
    int f = blockIdx.x;
    if (f >= families) return;
    i64* row = rows + static_cast<i64>(f) * (positions + 1);
    const i64* of_class = class_rows + static_cast<i64>(family_class[f]) * racks;
    const i64* of_bundle = bundle_rows + static_cast<i64>(family_bundle[f]) * racks;
    for (int p = threadIdx.x; p <= positions; p += blockDim.x) {
        int r = p < positions ? rack_at[p] : NONE;
        row[p] = r == NONE ? NOWHERE : of_class[r] + of_bundle[r];
    }
    __syncthreads();
    for (i64 at = patch_start[f] + threadIdx.x; at < patch_start[f + 1]; at += blockDim.x)
        add(&row[position_of_rack[patch_rack[at]]], patch_more[at]);
}

// Least number of every block: one thread for a family and a block, slots apart by `blocks`.
extern "C" __global__ void block_minima(const i64* rows, int families, int slots, int blocks,
                                        i64* minima) {
    int n = global_thread();
    if (n >= families * blocks) return;
    const i64* row = rows + static_cast<i64>(n / blocks) * (static_cast<i64>(slots) * blocks + 1);
    i64 least = NOWHERE;
    for (int slot = 0; slot < slots; ++slot)
        least = min(least, row[static_cast<i64>(slot) * blocks + n % blocks]);
    minima[n] = least;
}

// A packed change and what breaks ties; ordered by both.
struct Ranked {
    i64 key;
    int rank, rack;
};

__device__ __forceinline__ bool before(const Ranked& a, const Ranked& b) {
    return a.key < b.key || (a.key == b.key && a.rank < b.rank);
}

__device__ __forceinline__ Ranked warp_least(Ranked own) {
    for (int lanes = LANES / 2; lanes; lanes /= 2) {
        Ranked other{__shfl_xor_sync(ALL_LANES, own.key, lanes),
                     __shfl_xor_sync(ALL_LANES, own.rank, lanes),
                     __shfl_xor_sync(ALL_LANES, own.rack, lanes)};
        if (before(other, own)) own = other;
    }
    return own;
}

// The `top` best racks of every candidate: one warp for a candidate. First its `top` best blocks
// outside the cell of its source, then the best racks among those of these blocks and of the cell.
// `far_of`, `near_of`: row of the corrections of a candidate, NONE where there are none.
extern "C" __global__ void destinations(const int* family, const int* source, int candidates,
                                        const i64* rows, const i64* minima, int slots, int blocks,
                                        const int* rack_at, const int* cell_of_block,
                                        const int* signature_of_block, int signatures,
                                        const int* rank_of_rack, const i64* position_of_rack,
                                        const int* signature_of_rack, const int* cell_of_rack,
                                        const int* racks_of_cell, int cell_width, const int* far_of,
                                        const i64* far, const int* near_of, const i64* near_by,
                                        int top, int* found_rack, i64* found_key) {
    DYNAMIC_SHARED(int, chosen_of_warps);  // `top` blocks for each warp
    int n = global_thread() / LANES, lane = threadIdx.x % LANES;
    if (n >= candidates) return;
    int* chosen = chosen_of_warps + threadIdx.x / LANES * top;
    const i64* least = minima + static_cast<i64>(family[n]) * blocks;
    const i64* row = rows + static_cast<i64>(family[n]) * (static_cast<i64>(slots) * blocks + 1);
    const i64* far_row = far_of[n] == NONE ? nullptr : far + static_cast<i64>(far_of[n]) * signatures;
    int cell = source[n] == NONE ? NONE : cell_of_rack[source[n]];

    Ranked last{-NOWHERE, NONE, NONE};
    int count = 0;
    for (; count < top; ++count) {
        Ranked best{NOWHERE, blocks, NONE};
        for (int b = lane; b < blocks; b += LANES) {
            if (cell_of_block[b] == cell) continue;
            Ranked one{least[b] + (far_row ? far_row[signature_of_block[b]] : 0), b, b};
            if (before(last, one) && before(one, best)) best = one;
        }
        best = warp_least(best);
        if (best.rack == NONE) break;
        if (lane == 0) chosen[count] = best.rack;
        last = best;
    }
    __syncwarp();

    const int* cell_racks = cell == NONE ? nullptr : racks_of_cell + static_cast<i64>(cell) * cell_width;
    const i64* near_row = near_of[n] == NONE ? nullptr : near_by + static_cast<i64>(near_of[n]) * cell_width;
    int outside = count * slots, all = outside + (cell == NONE ? 0 : cell_width);
    last = Ranked{-NOWHERE, NONE, NONE};
    for (int k = 0; k < top; ++k) {
        Ranked best{NOWHERE, 0x7fffffff, NONE};
        for (int i = lane; i < all; i += LANES) {
            i64 position;
            int r;
            i64 more = 0;
            if (i < outside) {
                position = static_cast<i64>(i / count) * blocks + chosen[i % count];
                r = rack_at[position];
            } else {
                r = cell_racks[i - outside];
                position = r == NONE ? 0 : position_of_rack[r];
                more = near_row ? near_row[i - outside] : 0;
            }
            if (r == NONE || r == source[n]) continue;
            if (far_row) more += far_row[signature_of_rack[r]];
            Ranked one{row[position] + more, rank_of_rack[r], r};
            if (before(last, one) && before(one, best)) best = one;
        }
        best = warp_least(best);
        if (lane == 0) {
            found_rack[static_cast<i64>(n) * top + k] = best.rack;
            found_key[static_cast<i64>(n) * top + k] = best.rack == NONE ? NOWHERE : best.key;
        }
        if (best.rack != NONE) last = best;
        else last = Ranked{NOWHERE, 0x7fffffff, NONE};
    }
}
