// What all kernels share. Integers only: sums are exact in any order, so that atomics and warp
// sums give the same bits as NumPy.
#pragma once
#ifndef RACKWATT_ON_CPU
#define DYNAMIC_SHARED(type, name) extern __shared__ __align__(16) unsigned char shared_bytes_[]; \
    type* name = reinterpret_cast<type*>(shared_bytes_)
#endif

typedef long long i64;

constexpr int NONE = -1;
constexpr int LANES = 32;
constexpr unsigned ALL_LANES = 0xffffffffu;

__device__ __forceinline__ int global_thread() { return blockIdx.x * blockDim.x + threadIdx.x; }

__device__ __forceinline__ i64 positive(i64 value) { return value > 0 ? value : 0; }

// Division that rounds up; the divisor is positive. Most loads are inside their limit: no division.
__device__ __forceinline__ i64 ceil_div(i64 value, i64 by) {
    return value > 0 ? (value + by - 1) / by : -((-value) / by);
}

// What is above a limit, in units of `scale`, rounded up.
__device__ __forceinline__ i64 excess(i64 load, i64 limit, i64 scale) {
    return load > limit ? ceil_div(load - limit, scale) : 0;
}

__device__ __forceinline__ void add(i64* place, i64 value) {
    atomicAdd(reinterpret_cast<unsigned long long*>(place), static_cast<unsigned long long>(value));
}

__device__ __forceinline__ i64 warp_sum(i64 value) {
    for (int lanes = LANES / 2; lanes; lanes /= 2) value += __shfl_xor_sync(ALL_LANES, value, lanes);
    return value;
}

// Add the values of all threads of a warp to one place; every thread of the warp takes part.
__device__ __forceinline__ void add_from_warp(i64* place, i64 value) {
    value = warp_sum(value);
    if (threadIdx.x % LANES == 0 && value) add(place, value);
}

// Place of a key among ascending (first, second) pairs, NONE if it is not there.
__device__ __forceinline__ int find_pair(const int* first, const int* second, int count, int a, int b) {
    int low = 0, high = count;
    while (low < high) {
        int middle = (low + high) / 2;
        bool before = first[middle] < a || (first[middle] == a && second[middle] < b);
        if (before) low = middle + 1; else high = middle;
    }
    return low < count && first[low] == a && second[low] == b ? low : NONE;
}
