// What classes of candidates add on every rack, packed, (classes, R): one thread for a class, of which
// `example` is a candidate, and a rack. Groups, sources and homes come on top.
#include "exact.cuh"
#include "sweep.cuh"

// Linear rows: the excess of tight ones. The first of these kernels: it writes what others add to.
extern "C" __global__ void class_loads(const int* example, int classes, const int* job,
                                       const i64* units, const i64* entry_start, const int* entry_row,
                                       const i64* entry_weight, const int* entry_table,
                                       const i64* demand, const int* kind, int jobs, int kinds,
                                       int racks, const i64* row_load, const i64* limit,
                                       const i64* scale, const unsigned char* tight, i64 step,
                                       i64* class_rows) {
    int n = global_thread();
    if (n >= classes * racks) return;
    int one = example[n / racks], r = n % racks;
    i64 more = 0;
    for (i64 at = entry_start[r]; at < entry_start[r + 1]; ++at) {
        int row = entry_row[at];
        if (!tight[row]) continue;
        i64 drawn = drawn_of(demand, kind, jobs, kinds, racks, entry_table[at], job[one], r);
        i64 load = row_load[row], after = load + entry_weight[at] * drawn * units[one];
        more += excess(after, limit[row], scale[row]) - excess(load, limit[row], scale[row]);
    }
    class_rows[n] = more * step;
}

// Bins that a class takes on racks without its group.
extern "C" __global__ void class_bins(const int* example, int classes, const int* job,
                                      const i64* units, const int* group_of_job, const i64* size, const int* kind,
                                      int kinds, int racks, const i64* bin_size, const i64* bins,
                                      const i64* used, i64 step, i64* class_rows) {
    int n = global_thread();
    if (n >= classes * racks) return;
    int one = example[n / racks], r = n % racks;
    if (group_of_job[job[one]] == NONE) return;
    i64 slots = size[static_cast<i64>(job[one]) * kinds + kind[r]] * units[one];
    i64 taken = used[r] + ceil_div(slots, bin_size[r]);
    class_rows[n] += step * (positive(taken - bins[r]) - positive(used[r] - bins[r]));
}

// Packed cost and prohibition by kind of rack.
extern "C" __global__ void class_kinds(const int* example, int classes, const int* job,
                                       const i64* units, const i64* cost,
                                       const unsigned char* allowed, const int* kind, int kinds,
                                       int racks, i64 step, i64* class_rows) {
    int n = global_thread();
    if (n >= classes * racks) return;
    int one = example[n / racks];
    i64 at = static_cast<i64>(job[one]) * kinds + kind[n % racks];
    class_rows[n] += units[one] * (cost[at] + (allowed[at] ? 0 : step));
}
