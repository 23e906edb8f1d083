// Families: candidates whose labels are alike. A hash table finds them: its slots hold candidates,
// whose labels are compared in full, so that no two different ones ever count as alike. Which
// candidate leads a family and how families are numbered depends on the order of threads; no
// result does.
#include "exact.cuh"
#include "sweep.cuh"

// The first candidate found with the same labels: one thread for a candidate. `labels` is
// (columns, N); `slots` is filled with NONE, its size a power of two above N.
extern "C" __global__ void find_leaders(const i64* labels, int columns, int candidates, int* slots,
                                        int size, int* leader) {
    int n = global_thread();
    if (n >= candidates) return;
    unsigned long long hash = 0;
    for (int c = 0; c < columns; ++c) {
        hash ^= static_cast<unsigned long long>(labels[static_cast<i64>(c) * candidates + n]);
        hash *= 0x9e3779b97f4a7c15ull;
        hash ^= hash >> 32;
    }
    for (int at = static_cast<int>(hash & (size - 1));; at = (at + 1) & (size - 1)) {
        int other = slots[at];
        if (other == NONE) other = atomicCAS(&slots[at], NONE, n);
        if (other == NONE) other = n;
        int c = 0;
        for (; c < columns; ++c) {
            const i64* column = labels + static_cast<i64>(c) * candidates;
            if (column[n] != column[other]) break;
        }
        if (c == columns) {
            leader[n] = other;
            return;
        }
    }
}

// Number the leaders: `number` by candidate, `example` by number.
extern "C" __global__ void number_leaders(const int* leader, int candidates, int* count, int* number,
                                          int* example) {
    int n = global_thread();
    if (n >= candidates || leader[n] != n) return;
    number[n] = atomicAdd(count, 1);
    example[number[n]] = n;
}

// The family of every candidate, and how many each has.
extern "C" __global__ void count_members(const int* leader, const int* number, int candidates,
                                         int* family, int* members) {
    int n = global_thread();
    if (n >= candidates) return;
    family[n] = number[leader[n]];
    atomicAdd(&members[family[n]], 1);
}

// Candidates by family; `cursor` is where the next member of each goes.
extern "C" __global__ void place_members(const int* family, int candidates, int* cursor,
                                         int* order) {
    int n = global_thread();
    if (n < candidates) order[atomicAdd(&cursor[family[n]], 1)] = n;
}
