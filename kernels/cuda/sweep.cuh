// What the kernels of the sweep share. A packed change is `violation * step + unmet * unmet_step -
// margin` in one integer; `exact.cuh` comes before this header.
#pragma once

enum : i64 { NOWHERE = 1ll << 61 };  // no change of a move is as large

// What units of a job draw in a demand table on a rack.
__device__ __forceinline__ i64 drawn_of(const i64* demand, const int* kind, int jobs, int kinds,
                                        int racks, int table, int job, int rack) {
    i64 of_job = static_cast<i64>(table) * jobs + job;
    return demand[of_job * kinds + kind[static_cast<i64>(table) * racks + rack]];
}

// By how much leaving and entering a row at once differs from their sum; `over` is load - limit.
__device__ __forceinline__ i64 overlap(i64 over, i64 enters, i64 leaves, i64 scale) {
    i64 both = excess(over + enters - leaves, 0, scale), before = excess(over, 0, scale);
    return both - excess(over + enters, 0, scale) - excess(over - leaves, 0, scale) + before;
}

// Units that count of a total, with a worst loss.
__device__ __forceinline__ i64 counted_units(i64 total, i64 held_back, i64 loss, i64 most) {
    return min(positive(total - held_back - loss), most);
}

// Whether a domain is among those of a rack.
__device__ __forceinline__ bool is_in(const i64* start, const int* domain, int rack, int asked) {
    for (i64 at = start[rack]; at < start[rack + 1]; ++at)
        if (domain[at] == asked) return true;
    return false;
}

// Add the largest value of a warp's threads to a running maximum; all its threads take part.
__device__ __forceinline__ void most_from_warp(i64* most, i64 value) {
    for (int lanes = LANES / 2; lanes; lanes /= 2)
        value = max(value, __shfl_xor_sync(ALL_LANES, value, lanes));
    if (threadIdx.x % LANES == 0 && value > *most) atomicMax(most, value);
}

// Division that rounds down; the divisor is positive.
__device__ __forceinline__ i64 floor_div(i64 value, i64 by) {
    return value >= 0 ? value / by : -((-value + by - 1) / by);
}
