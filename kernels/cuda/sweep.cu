// The sweep of all moves: minima of blocks, and the best racks of candidates. A packed change orders
// (violation, unmet, margin) in one integer; rows hold what a family of candidates adds on every
// rack, laid out by position = slot * blocks + block, so that neighbouring threads read
// neighbouring blocks.
//
// Traffic: a row of 16,384 racks is 131 KB, written once and read once for its minima (L2), then
// only at the blocks that a candidate looks at. Bound by memory, not by arithmetic.
#include "exact.cuh"
#include "sweep.cuh"

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

// The `top` best racks of some candidates: one warp for a candidate. First its `top` best blocks
// outside the cell of its source, then the best racks among those of these blocks and of the cell.
// Corrections `far`, `near_by` and their flags are by place in `order`; families count from
// `first_family` on.
extern "C" __global__ void destinations(const int* order, int first, int chosen, const int* family,
                                        int first_family, const int* source, const i64* rows,
                                        const i64* minima, int slots, int blocks,
                                        const int* rack_at, const int* cell_of_block,
                                        const int* signature_of_block, int signatures,
                                        const int* rank_of_rack, const i64* position_of_rack,
                                        const int* signature_of_rack, const int* cell_of_rack,
                                        const int* racks_of_cell, int cell_width, const i64* far,
                                        const i64* near_by, const unsigned char* has_far,
                                        const unsigned char* has_near, int top, int* found_rack,
                                        i64* found_key) {
    DYNAMIC_SHARED(int, chosen_of_warps);  // `top` blocks for each warp
    int i = global_thread() / LANES, lane = threadIdx.x % LANES;
    if (i >= chosen) return;
    int n = order[first + i], of_family = family[n] - first_family;
    int* best_blocks = chosen_of_warps + threadIdx.x / LANES * top;
    const i64* least = minima + static_cast<i64>(of_family) * blocks;
    const i64* row = rows + static_cast<i64>(of_family) * (static_cast<i64>(slots) * blocks + 1);
    const i64* far_row = has_far[i] ? far + static_cast<i64>(i) * signatures : nullptr;
    const i64* near_row = has_near[i] ? near_by + static_cast<i64>(i) * cell_width : nullptr;
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
        if (lane == 0) best_blocks[count] = best.rack;
        last = best;
    }
    __syncwarp();

    const int* cell_racks = cell == NONE ? nullptr : racks_of_cell + static_cast<i64>(cell) * cell_width;
    int outside = count * slots, all = outside + (cell == NONE ? 0 : cell_width);
    last = Ranked{-NOWHERE, NONE, NONE};
    for (int k = 0; k < top; ++k) {
        Ranked best{NOWHERE, 0x7fffffff, NONE};
        for (int at = lane; at < all; at += LANES) {
            i64 position;
            int r;
            i64 more = 0;
            if (at < outside) {
                position = static_cast<i64>(at / count) * blocks + best_blocks[at % count];
                r = rack_at[position];
            } else {
                r = cell_racks[at - outside];
                position = r == NONE ? 0 : position_of_rack[r];
                more = near_row ? near_row[at - outside] : 0;
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

// What moves change, (3, N, top), from the packed numbers; zeros where there is no rack.
extern "C" __global__ void unpack_changes(const i64* keys, const i64* everywhere, const i64* leaves,
                                          int candidates, int top, i64 step, i64 unmet_step,
                                          i64* changes) {
    int i = global_thread();
    if (i >= candidates * top) return;
    i64 count = candidates, n = i / top;
    i64 packed = keys[i] + everywhere[n];
    i64 violation = floor_div(packed + step / 2, step), rest = packed - violation * step;
    i64 unmet = floor_div(rest + unmet_step / 2, unmet_step), margin = unmet * unmet_step - rest;
    bool there = keys[i] != NOWHERE;
    changes[i] = there ? violation + leaves[n] : 0;
    changes[count * top + i] = there ? unmet + leaves[count + n] : 0;
    changes[2 * count * top + i] = there ? margin + leaves[2 * count + n] : 0;
}
