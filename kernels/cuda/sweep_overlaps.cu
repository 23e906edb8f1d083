// What leaving and entering change at once: rows and domains that source and destination share. One
// warp for a candidate. Far ones differ by signature: `far` is (n, signatures); near ones by rack of
// the source's cell: `near_by` is (n, cell_width). Flags say whose corrections are not all zero.
#include "exact.cuh"
#include "sweep.cuh"

// Linear rows that are tight. The first of these kernels: the others add to what it writes.
// `far_start`, `far_signature`, `far_weight`: signatures of every far row.
extern "C" __global__ void overlap_rows(const int* order, int first, int chosen, const int* job,
                                        const int* source, const i64* units, const i64* entry_start,
                                        const int* entry_row, const i64* entry_weight,
                                        const int* entry_table, const i64* demand, const int* kind,
                                        int jobs, int kinds, int racks, const i64* row_load,
                                        const i64* limit, const i64* scale,
                                        const unsigned char* tight, const unsigned char* is_near,
                                        const i64* row_start, const int* row_rack,
                                        const i64* row_weight, const int* place_in_cell,
                                        const i64* far_start, const int* far_signature,
                                        const i64* far_weight, const int* example, int signatures,
                                        int cell_width, i64 step, i64* far, i64* near_by,
                                        unsigned char* has_far, unsigned char* has_near) {
    int i = global_thread() / LANES, lane = threadIdx.x % LANES;
    if (i >= chosen) return;
    int n = order[first + i], from = source[n];
    i64* far_row = far + static_cast<i64>(i) * signatures;
    i64* near_row = near_by + static_cast<i64>(i) * cell_width;
    for (int e = lane; e < signatures; e += LANES) far_row[e] = 0;
    for (int w = lane; w < cell_width; w += LANES) near_row[w] = 0;
    if (lane == 0) has_far[i] = has_near[i] = 0;
    if (from == NONE) return;
    __syncwarp();
    for (i64 at = entry_start[from]; at < entry_start[from + 1]; ++at) {
        int row = entry_row[at], table = entry_table[at];
        if (!tight[row]) continue;
        i64 leaves = entry_weight[at] * units[n] *
                     drawn_of(demand, kind, jobs, kinds, racks, table, job[n], from);
        const i64* start = is_near[row] ? row_start : far_start;
        for (i64 to = start[row] + lane; to < start[row + 1]; to += LANES) {
            int r = is_near[row] ? row_rack[to] : example[far_signature[to]];
            i64 enters = (is_near[row] ? row_weight[to] : far_weight[to]) * units[n] *
                         drawn_of(demand, kind, jobs, kinds, racks, table, job[n], r);
            i64 more = overlap(row_load[row] - limit[row], enters, leaves, scale[row]);
            if (!more) continue;
            if (is_near[row]) add(&near_row[place_in_cell[r]], more * step);
            else add(&far_row[far_signature[to]], more * step);
            (is_near[row] ? has_near : has_far)[i] = 1;
        }
    }
}

// A group that leaves a domain and enters it again has not moved.
extern "C" __global__ void overlap_domains(const int* order, int first, int chosen,
                                           const int* source, const i64* undone,
                                           const int* domain_of_rack, const unsigned char* is_near,
                                           const int* cell_of_rack, const int* racks_of_cell,
                                           const int* example, int signatures, int cell_width,
                                           i64* far, i64* near_by, unsigned char* has_far,
                                           unsigned char* has_near) {
    int i = global_thread() / LANES, lane = threadIdx.x % LANES;
    if (i >= chosen) return;
    int n = order[first + i];
    i64 change = undone[n];
    if (!change) return;  // and so for all without a source or a domain there
    int domain = domain_of_rack[source[n]];
    bool near = is_near[domain];
    const int* to = near ? racks_of_cell + static_cast<i64>(cell_of_rack[source[n]]) * cell_width : example;
    i64* more = near ? near_by + static_cast<i64>(i) * cell_width : far + static_cast<i64>(i) * signatures;
    for (int e = lane; e < (near ? cell_width : signatures); e += LANES)
        if (to[e] != NONE && domain_of_rack[to[e]] == domain) more[e] += change;
    if (lane == 0) (near ? has_near : has_far)[i] = 1;
}

// Units that leave a domain and enter it again change no count. `domain_start`, `domain_rack`: racks
// of every domain; `far_start`, `far_signature`: signatures of every far one.
extern "C" __global__ void overlap_limits(const int* order, int first, int chosen, const int* source,
                                          const i64* units, const i64* label, const i64* limit,
                                          const i64* start, const int* domain, int domains,
                                          const i64* pair_units, const unsigned char* is_near,
                                          const i64* domain_start, const int* domain_rack,
                                          const int* place_in_cell, const i64* far_start,
                                          const int* far_signature, int signatures, int cell_width,
                                          i64 step, i64* far, i64* near_by, unsigned char* has_far,
                                          unsigned char* has_near) {
    int i = global_thread() / LANES, lane = threadIdx.x % LANES;
    if (i >= chosen) return;
    int n = order[first + i], from = source[n];
    i64 group = label[n];
    if (group == NONE || from == NONE) return;
    for (i64 at = start[from]; at < start[from + 1]; ++at) {
        int d = domain[at];
        i64 above = pair_units[group * domains + d] - limit[group];
        i64 more = 2 * positive(above) - positive(above - units[n]) - positive(above + units[n]);
        if (!more) continue;
        const i64* begin = is_near[d] ? domain_start : far_start;
        for (i64 to = begin[d] + lane; to < begin[d + 1]; to += LANES) {
            if (is_near[d])
                add(&near_by[static_cast<i64>(i) * cell_width + place_in_cell[domain_rack[to]]], more * step);
            else
                add(&far[static_cast<i64>(i) * signatures + far_signature[to]], more * step);
        }
        if (lane == 0) (is_near[d] ? has_near : has_far)[i] = 1;
    }
}

// Near the source, units at risk that leave a near domain are not at risk there any more.
extern "C" __global__ void overlap_survivors(const int* order, int first, int chosen, const int* job,
                                             const int* source, const i64* units, const i64* label,
                                             const i64* rest, const i64* at_risk,
                                             const unsigned char* counts,
                                             const unsigned char* is_near, const i64* start,
                                             const int* domain, int domains, const i64* total,
                                             const i64* counted_most, const i64* held_back,
                                             const i64* value, const i64* firm, i64 unmet_step,
                                             const int* cell_of_rack, const int* racks_of_cell,
                                             int cell_width, i64* near_by,
                                             unsigned char* has_near) {
    int i = global_thread() / LANES, lane = threadIdx.x % LANES;
    if (i >= chosen) return;
    int n = order[first + i], j = job[n], from = source[n];
    if (label[n] == NONE || from == NONE) return;
    const int* to = racks_of_cell + static_cast<i64>(cell_of_rack[from]) * cell_width;
    for (int w = lane; w < cell_width; w += LANES) {
        if (to[w] == NONE) continue;
        i64 exact = rest[n], far = rest[n];
        for (i64 at = start[to[w]]; at < start[to[w] + 1]; ++at) {
            i64 pair = label[n] * domains + domain[at];
            if (!counts[pair]) continue;
            bool leaves_it = is_in(start, domain, from, domain[at]);
            exact = max(exact, at_risk[pair] + (leaves_it ? 0 : units[n]));
            far = max(far, at_risk[pair] + (leaves_it && !is_near[domain[at]] ? 0 : units[n]));
        }
        i64 more = counted_units(total[j], held_back[j], exact, counted_most[j]) -
                   counted_units(total[j], held_back[j], far, counted_most[j]);
        if (!more) continue;
        near_by[static_cast<i64>(i) * cell_width + w] -= more * (firm[j] * unmet_step + value[j]);
        has_near[i] = 1;
    }
}
