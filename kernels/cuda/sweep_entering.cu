// What families add on every rack where they enter: one block for a family, one kernel for a form.
// Rows are laid out by position = slot * blocks + block; the last position is of no rack.
#include "exact.cuh"
#include "sweep.cuh"

// The row of the family's class. The first of these kernels: the others add to what it writes.
extern "C" __global__ void class_rows_of(const int* example, int first, int families,
                                         const int* class_leader, const int* class_number,
                                         const i64* class_rows, const int* rack_at, int positions,
                                         int racks, i64* rows) {
    int f = blockIdx.x;
    if (f >= families) return;
    i64* row = rows + static_cast<i64>(f) * (positions + 1);
    int of_class = class_number[class_leader[example[first + f]]];
    const i64* class_row = class_rows + static_cast<i64>(of_class) * racks;
    for (int p = threadIdx.x; p <= positions; p += blockDim.x) {
        int r = p < positions ? rack_at[p] : NONE;
        row[p] = r == NONE ? NOWHERE : class_row[r];
    }
}

// Bins that the family's group has opened already differ from new ones.
extern "C" __global__ void add_bins(const int* example, int first, int families, const int* job,
                                    const i64* units, const i64* label, const i64* size,
                                    const int* kind, int kinds, int racks, const i64* bin_size,
                                    const i64* bins, const i64* used, const i64* slots, i64 step,
                                    const int* rack_at, int positions, i64* rows) {
    int f = blockIdx.x;
    if (f >= families) return;
    int n = example[first + f];
    if (label[n] == NONE) return;
    i64* row = rows + static_cast<i64>(f) * (positions + 1);
    const i64* own = slots + label[n] * racks;
    for (int p = threadIdx.x; p < positions; p += blockDim.x) {
        int r = rack_at[p];
        if (r == NONE || !own[r]) continue;
        i64 more = size[static_cast<i64>(job[n]) * kinds + kind[r]] * units[n], by = bin_size[r];
        i64 taken = ceil_div(own[r] + more, by) - ceil_div(own[r], by), free = bins[r] - used[r];
        row[p] += step * (positive(taken - free) - positive(ceil_div(more, by) - free));
    }
}

// One more domain for the family's group and the foes that it would meet there; nothing where the
// group lies already. If all racks cost that domain alike (`some_outside` is 0, no foes), it is paid
// elsewhere and comes back where the group lies.
extern "C" __global__ void add_domains(const int* example, int first, int families,
                                       const i64* label, const i64* price_label,
                                       const int* domain_of_rack, int domains, int some_outside,
                                       const i64* pair_units, const i64* foe_start,
                                       const int* foes, i64 step, const int* rack_at,
                                       int positions, i64* rows) {
    int f = blockIdx.x;
    if (f >= families) return;
    int n = example[first + f];
    i64 group = label[n], price = price_label[n];
    if (group == NONE && price == 0) return;
    bool has_foes = group != NONE && foe_start[group + 1] > foe_start[group];
    bool apart = has_foes || some_outside;
    i64* row = rows + static_cast<i64>(f) * (positions + 1);
    for (int p = threadIdx.x; p < positions; p += blockDim.x) {
        int r = rack_at[p], domain = r == NONE ? NONE : domain_of_rack[r];
        if (domain == NONE) continue;
        bool present = group != NONE && pair_units[group * domains + domain] > 0;
        if (present && !apart) row[p] -= price;
        if (present || !apart) continue;
        row[p] += price + (has_foes ? step * foes[group * domains + domain] : 0);
    }
}

// Units above the limit of the family's group, in all domains of each rack.
extern "C" __global__ void add_limits(const int* example, int first, int families, const i64* units,
                                      const i64* label, const i64* limit, const i64* start,
                                      const int* domain, int domains, const i64* pair_units,
                                      i64 step, const int* rack_at, int positions, i64* rows) {
    int f = blockIdx.x;
    if (f >= families) return;
    int n = example[first + f];
    i64 group = label[n];
    if (group == NONE) return;
    i64* row = rows + static_cast<i64>(f) * (positions + 1);
    for (int p = threadIdx.x; p < positions; p += blockDim.x) {
        int r = rack_at[p];
        if (r == NONE) continue;
        i64 more = 0;
        for (i64 at = start[r]; at < start[r + 1]; ++at) {
            i64 above = pair_units[group * domains + domain[at]] - limit[group];
            more += positive(above + units[n]) - positive(above);
        }
        if (more) row[p] += step * more;
    }
}

// What a family saves where its job comes home.
extern "C" __global__ void add_homes(const int* example, int first, int families, const i64* units,
                                     const i64* label, const i64* home_start, const int* home_rack,
                                     const i64* missing, const i64* move_mills,
                                     const i64* position_of_rack, int positions, i64* rows) {
    int f = blockIdx.x;
    if (f >= families) return;
    int n = example[first + f];
    if (label[n] == NONE) return;
    i64* row = rows + static_cast<i64>(f) * (positions + 1);
    for (i64 h = home_start[label[n]] + threadIdx.x; h < home_start[label[n] + 1]; h += blockDim.x) {
        i64 back = positive(missing[h]) - positive(positive(missing[h]) - units[n]);
        if (back) add(&row[position_of_rack[home_rack[h]]], -back * move_mills[h]);
    }
}

// What counts more or less of a job that must survive, far from the source.
extern "C" __global__ void add_survivors(const int* example, int first, int families,
                                         const int* job, const int* source, const i64* units,
                                         const i64* label, const i64* rest, const i64* at_risk,
                                         const unsigned char* counts, const unsigned char* is_near,
                                         const i64* start, const int* domain, int domains,
                                         const i64* total, const i64* counted,
                                         const i64* counted_most, const i64* held_back,
                                         const i64* value, const i64* firm, i64 unmet_step,
                                         const int* rack_at, int positions, i64* rows) {
    int f = blockIdx.x;
    if (f >= families) return;
    int n = example[first + f], j = job[n], from = source[n];
    if (label[n] == NONE) return;
    i64* row = rows + static_cast<i64>(f) * (positions + 1);
    i64 total_after = total[j] + (from == NONE ? units[n] : 0);
    for (int p = threadIdx.x; p < positions; p += blockDim.x) {
        int r = rack_at[p];
        if (r == NONE) continue;
        i64 loss = rest[n];
        for (i64 at = start[r]; at < start[r + 1]; ++at) {
            i64 pair = label[n] * domains + domain[at];
            if (!counts[pair]) continue;
            bool leaves_it = from != NONE && !is_near[domain[at]] && is_in(start, domain, from, domain[at]);
            loss = max(loss, at_risk[pair] + (leaves_it ? 0 : units[n]));
        }
        i64 more = counted_units(total_after, held_back[j], loss, counted_most[j]) - counted[j];
        row[p] -= more * (firm[j] * unmet_step + value[j]);
    }
}
