// How large the changes of a sweep's candidates can be, and which rows they can lift above their
// limits. Bound by launches: a few hundred KB are read.
#include "exact.cuh"
#include "sweep.cuh"

// Largest product of a candidate's units and an amount a unit, for every column of amounts.
extern "C" __global__ void largest_amounts(const int* job, const i64* units, int candidates,
                                           const i64* per_unit, int columns, int jobs,
                                           i64* largest) {
    int n = global_thread();
    for (int c = 0; c < columns; ++c) {
        i64 amount = n < candidates ? per_unit[static_cast<i64>(c) * jobs + job[n]] * units[n] : 0;
        most_from_warp(&largest[c], amount);
    }
}

// By how much a job that brings capacity lifts each row when it leaves: one warp for a row.
extern "C" __global__ void row_lifts(const i64* row_start, const int* row_rack,
                                     const i64* row_weight, const int* row_table, const int* kind,
                                     int kinds, int rows, int racks, const i64* brings, i64* lift) {
    int row = global_thread() / LANES, lane = threadIdx.x % LANES;
    if (row >= rows) return;
    i64 most = 0;
    for (i64 at = row_start[row] + lane; at < row_start[row + 1]; at += LANES) {
        int k = kind[static_cast<i64>(row_table[row]) * racks + row_rack[at]];
        most = max(most, row_weight[at] * brings[row_table[row] * kinds + k]);
    }
    most_from_warp(&lift[row], most);
}

// Tight rows, which some candidate could lift above their limit or which are above it, and the
// largest violation that one adds on a rack: one thread for a rack. `drawn` (tables, kinds).
extern "C" __global__ void tight_rows(const i64* entry_start, const int* entry_row,
                                      const i64* entry_weight, const int* entry_table,
                                      const int* kind, int kinds, int racks, const i64* drawn,
                                      const i64* lift, const i64* row_load, const i64* limit,
                                      const i64* scale, unsigned char* tight, i64* most_violation) {
    int r = global_thread();
    i64 change = 0;
    if (r < racks) {
        for (i64 at = entry_start[r]; at < entry_start[r + 1]; ++at) {
            int row = entry_row[at], table = entry_table[at];
            i64 of_one = drawn[table * kinds + kind[static_cast<i64>(table) * racks + r]];
            i64 most = entry_weight[at] * of_one + lift[row];
            i64 over = row_load[row] + most - limit[row];
            if (over <= 0) continue;
            tight[row] = 1;
            change += min(most, over) / scale[row] + 1;
        }
    }
    most_from_warp(most_violation, change);
}
