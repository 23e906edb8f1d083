// Plans in sampled scenarios: a plan's loads by power profile stay on the device, a scenario is a
// few numbers. One block for a plan and a scenario looks only at the rows of the scenario's state.
#include "exact.cuh"

constexpr i64 LOAD_ONE = 1024;

// What units of a job on a rack put on the rows of its profile; `loads` is (Z, rows).
__device__ __forceinline__ void add_profile(int job, int rack, i64 units, int lane,
                                            const i64* entry_start, const int* entry_row,
                                            const i64* entry_weight, const int* entry_table,
                                            const i64* demand, const int* kind, int jobs, int kinds,
                                            int racks, const int* profile, int rows, i64* loads) {
    for (i64 n = entry_start[rack] + lane; n < entry_start[rack + 1]; n += LANES) {
        int table = entry_table[n];
        i64 at = static_cast<i64>(table) * jobs + job;
        i64 drawn = demand[at * kinds + kind[static_cast<i64>(table) * racks + rack]];
        if (drawn)
            add(&loads[static_cast<i64>(profile[job]) * rows + entry_row[n]],
                entry_weight[n] * drawn * units);
    }
}

// Loads of the base plan by profile: one warp for a shard.
extern "C" __global__ void base_profiles(const int* job, const int* rack, const i64* units,
                                         int shards, const i64* entry_start, const int* entry_row,
                                         const i64* entry_weight, const int* entry_table,
                                         const i64* demand, const int* kind, int jobs, int kinds,
                                         int racks, const int* profile, int rows, i64* loads) {
    int n = global_thread() / LANES, lane = threadIdx.x % LANES;
    if (n < shards)
        add_profile(job[n], rack[n], units[n], lane, entry_start, entry_row, entry_weight,
                    entry_table, demand, kind, jobs, kinds, racks, profile, rows, loads);
}

// Loads of plan `first_plan + blockIdx.x`: a copy of the base, then its moves; one block for it.
extern "C" __global__ void moved_profiles(const i64* start, const int* job, const int* source,
                                          const int* target, const i64* units, int first_plan,
                                          int plans, const i64* entry_start, const int* entry_row,
                                          const i64* entry_weight, const int* entry_table,
                                          const i64* demand, const int* kind, int jobs, int kinds,
                                          int racks, const int* profile, int rows, int profiles,
                                          const i64* base, i64* loads) {
    int plan = blockIdx.x;
    if (plan >= plans) return;
    i64 size = static_cast<i64>(rows) * profiles;
    i64* own = loads + plan * size;
    for (i64 n = threadIdx.x; n < size; n += blockDim.x) own[n] = base[n];
    __syncthreads();
    int warp = threadIdx.x / LANES, lane = threadIdx.x % LANES, warps = blockDim.x / LANES;
    for (i64 m = start[first_plan + plan] + warp; m < start[first_plan + plan + 1]; m += warps) {
        if (source[m] != NONE)
            add_profile(job[m], source[m], -units[m], lane, entry_start, entry_row, entry_weight,
                        entry_table, demand, kind, jobs, kinds, racks, profile, rows, own);
        if (target[m] != NONE)
            add_profile(job[m], target[m], units[m], lane, entry_start, entry_row, entry_weight,
                        entry_table, demand, kind, jobs, kinds, racks, profile, rows, own);
    }
}

// Excess of every row of a scenario's state: one block for a plan and a scenario.
extern "C" __global__ void scenario_excess(const i64* loads, int plans, int profiles, int rows,
                                           const i64* state_start, const int* state_row,
                                           const int* state, const i64* factor, const i64* ambient,
                                           int scenarios, const i64* slope, const i64* base,
                                           const i64* limit, const i64* scale, i64* violation,
                                           i64* rows_over, i64* times_over) {
    int plan = blockIdx.x / scenarios, s = blockIdx.x % scenarios;
    if (plan >= plans) return;
    const i64* own = loads + static_cast<i64>(plan) * profiles * rows;
    i64 total = 0, count = 0;
    for (i64 at = state_start[state[s]] + threadIdx.x; at < state_start[state[s] + 1];
         at += blockDim.x) {
        int row = state_row[at];
        i64 load = LOAD_ONE * (base[row] - limit[row]) + LOAD_ONE * ambient[s] * slope[row];
        for (int z = 0; z < profiles; ++z)
            load += factor[static_cast<i64>(s) * profiles + z] * own[static_cast<i64>(z) * rows + row];
        if (load <= 0) continue;
        total += ceil_div(load, LOAD_ONE * scale[row]);
        count += 1;
        add(&times_over[static_cast<i64>(plan) * rows + row], 1);
    }
    __syncwarp();
    add_from_warp(&violation[blockIdx.x], total);
    add_from_warp(&rows_over[blockIdx.x], count);
}
