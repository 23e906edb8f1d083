// What leaving changes for the job itself: cost, homes, totals and units that survive a failure.
// Layout of `leaves` and labels as in sweep_leaving.cu.
#include "exact.cuh"
#include "sweep.cuh"

// Units that are missing at homes, negative where more lie there, and jobs that miss some. Homes
// are sorted by job, then rack; so are shards.
extern "C" __global__ void home_missing(const int* job, const int* rack, const i64* units,
                                        int shards, const int* home_job, const int* home_rack,
                                        const i64* home_units, int homes, i64* missing,
                                        unsigned char* away) {
    int h = global_thread();
    if (h >= homes) return;
    int at = find_pair(job, rack, shards, home_job[h], home_rack[h]);
    missing[h] = home_units[h] - (at == NONE ? 0 : units[at]);
    if (missing[h] > 0) away[home_job[h]] = 1;
}

// Cost, prohibition and homes. The label is the job if it has homes to come back to.
extern "C" __global__ void leave_places(const int* job, const int* source, const i64* units,
                                        int candidates, const i64* cost,
                                        const unsigned char* allowed, const int* kind, int kinds,
                                        const int* home_job, const int* home_rack,
                                        const i64* missing, const i64* move_mills, int homes,
                                        const unsigned char* away, i64* label, i64* leaves) {
    int n = global_thread();
    if (n >= candidates) return;
    label[n] = away[job[n]] ? job[n] : NONE;
    if (source[n] == NONE) return;
    i64 of_job = static_cast<i64>(job[n]) * kinds + kind[source[n]];
    i64 saved = cost[of_job] * units[n];
    int h = find_pair(home_job, home_rack, homes, job[n], source[n]);
    if (h != NONE)
        saved -= (positive(missing[h] + units[n]) - positive(missing[h])) * move_mills[h];
    if (!allowed[of_job]) leaves[n] -= units[n];
    leaves[2 * static_cast<i64>(candidates) + n] += saved;
}

// Larger totals of jobs from outside; what counts of survivors depends on where they go.
extern "C" __global__ void grow_jobs(const int* job, const int* source, const i64* units,
                                     int candidates, const int* survivor_of_job, const i64* total,
                                     const i64* least, const i64* most, const i64* counted_most,
                                     const i64* held_back, const i64* value, const i64* firm,
                                     i64* leaves) {
    int n = global_thread();
    if (n >= candidates || source[n] != NONE) return;
    int j = job[n];
    i64 before = total[j], after = before + units[n];
    i64 wrong = positive(after - most[j]) - positive(before - most[j]);
    wrong += after > 0 ? positive(least[j] - after) : 0;
    wrong -= before > 0 ? positive(least[j] - before) : 0;
    leaves[n] += wrong;
    if (survivor_of_job[j] != NONE) return;
    i64 more = counted_units(after, held_back[j], 0, counted_most[j]) -
               counted_units(before, held_back[j], 0, counted_most[j]);
    leaves[static_cast<i64>(candidates) + n] -= firm[j] * more;
    leaves[2 * static_cast<i64>(candidates) + n] += value[j] * more;
}

// Survivors: one warp for a candidate. Labels: the surviving job; its worst domain once the
// candidate has left; the far domains of its source, or that it comes from outside.
extern "C" __global__ void leave_survivors(const int* job, const int* source, const i64* units,
                                           int candidates, const int* survivor_of_job,
                                           const i64* at_risk, const unsigned char* counts,
                                           const i64* start, const int* domain, int domains,
                                           const int* signature_of_rack, int some_far, i64* label,
                                           i64* rest, i64* far_label) {
    int n = global_thread() / LANES, lane = threadIdx.x % LANES;
    if (n >= candidates) return;
    int survivor = survivor_of_job[job[n]], r = source[n];
    i64 worst = 0;
    for (int d = lane; survivor != NONE && d < domains; d += LANES) {
        i64 at = static_cast<i64>(survivor) * domains + d;
        if (!counts[at]) continue;
        bool leaves_it = r != NONE && at_risk[at] > worst && is_in(start, domain, r, d);
        worst = max(worst, at_risk[at] - (leaves_it ? units[n] : 0));
    }
    for (int lanes = LANES / 2; lanes; lanes /= 2)
        worst = max(worst, __shfl_xor_sync(ALL_LANES, worst, lanes));
    if (lane) return;
    label[n] = survivor;
    rest[n] = worst;
    far_label[n] = survivor == NONE ? 0 : r == NONE ? NONE - 1 : some_far ? signature_of_rack[r] : NONE;
}
