// Runs CUDA source on the CPU: every CUDA thread is a fiber, every block one OS thread.
//
// What it offers: threadIdx & co., __syncthreads, static and dynamic shared memory, full-mask warp
// shuffles and ballots, integer atomics. What it does not: weak memory order, partial masks.
//
// A missing barrier shows as a wrong result, because the scheduler runs one warp as far as it gets
// before it looks at the next, in an order that the caller chooses; shared memory is poisoned
// before every block; threads that wait at different barriers are an error.
#pragma once
#include <ucontext.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <tuple>
#include <utility>
#include <vector>

#define __global__
#define __device__ static
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __shared__ static
#define __restrict__ __restrict
#define RACKWATT_ON_CPU 1
#define DYNAMIC_SHARED(type, name) type* name = reinterpret_cast<type*>(cuda_on_cpu::shared)

using std::max;
using std::min;

struct dim3 {
    unsigned x = 1, y = 1, z = 1;
};

namespace cuda_on_cpu {

constexpr unsigned WARP = 32;
constexpr size_t STACK_BYTES = 64 * 1024;
constexpr int POISON = 0xCD;

enum class State { running, at_barrier, at_warp, done };

struct Fiber {
    ucontext_t context;
    dim3 thread;
    State state;
};

inline dim3 block_index, block_size, grid_size;
inline Fiber* current;
inline ucontext_t scheduler;
inline char* shared;
inline std::vector<uint64_t> exchanged;  // one number a thread, for shuffles
inline void (*body)(void*);
inline void* body_argument;

inline unsigned thread_number() { return current->thread.x; }

inline void pause(State state) {
    current->state = state;
    swapcontext(&current->context, &scheduler);
}

inline void enter() {
    body(body_argument);
    pause(State::done);
}

// Order in which `count` things are run: 0 forward, 1 backward, else a shuffle.
inline std::vector<unsigned> order_of(unsigned count, unsigned order, uint32_t& random) {
    std::vector<unsigned> indices(count);
    for (unsigned i = 0; i < count; i++) indices[i] = order == 1 ? count - 1 - i : i;
    for (unsigned i = count; order > 1 && i > 1; i--) {
        random ^= random << 13, random ^= random >> 17, random ^= random << 5;
        std::swap(indices[i - 1], indices[random % i]);
    }
    return indices;
}

// Run one warp until all its threads wait at a barrier or are done.
inline void run_warp(std::vector<Fiber>& fibers, unsigned first, unsigned last, unsigned order,
                     uint32_t& random) {
    for (bool ran = true; ran;) {
        ran = false;
        for (unsigned lane : order_of(last - first, order, random)) {
            Fiber& fiber = fibers[first + lane];
            if (fiber.state != State::running) continue;
            current = &fiber;
            swapcontext(&scheduler, &fiber.context);
            ran = true;
        }
        bool all_wait = true;
        for (unsigned i = first; i < last; i++) all_wait &= fibers[i].state == State::at_warp;
        if (!all_wait) continue;
        for (unsigned i = first; i < last; i++) fibers[i].state = State::running;
        ran = true;
    }
}

// Run one block; returns what went wrong, or nothing.
inline const char* run_block(std::vector<Fiber>& fibers, std::vector<char>& stacks, unsigned order) {
    unsigned count = fibers.size(), warps = (count + WARP - 1) / WARP;
    uint32_t random = order * 2654435761u + 1;
    for (unsigned i = 0; i < count; i++) {
        Fiber& fiber = fibers[i];
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = stacks.data() + i * STACK_BYTES;
        fiber.context.uc_stack.ss_size = STACK_BYTES;
        fiber.context.uc_link = nullptr;
        makecontext(&fiber.context, enter, 0);
        fiber.thread = {i, 0, 0};
        fiber.state = State::running;
    }
    for (;;) {
        for (unsigned warp : order_of(warps, order, random))
            run_warp(fibers, warp * WARP, min(count, (warp + 1) * WARP), order, random);
        unsigned waiting = 0, done = 0;
        for (Fiber& fiber : fibers) {
            waiting += fiber.state == State::at_barrier;
            done += fiber.state == State::done;
        }
        if (done == count) return nullptr;
        if (waiting != count) return "some threads wait at a barrier that others never reach";
        for (Fiber& fiber : fibers) fiber.state = State::running;
    }
}

template <class... Arguments, size_t... Index>
const char* launch(void (*kernel)(Arguments...), unsigned blocks, unsigned threads,
                   size_t shared_bytes, void** arguments, unsigned order,
                   std::index_sequence<Index...>) {
    using Call = std::pair<void (*)(Arguments...), std::tuple<Arguments...>>;
    Call call{kernel, {*static_cast<Arguments*>(arguments[Index])...}};
    body = [](void* one) { std::apply(static_cast<Call*>(one)->first, static_cast<Call*>(one)->second); };
    body_argument = &call;
    block_size = {threads, 1, 1};
    grid_size = {blocks, 1, 1};
    std::vector<Fiber> fibers(threads);
    std::vector<char> stacks(threads * STACK_BYTES);
    exchanged.assign((threads + WARP - 1) / WARP * WARP, 0);
    uint32_t random = order * 40503u + 7;
    for (unsigned block : order_of(blocks, order, random)) {
        block_index = {block, 0, 0};
        // Exactly as large as asked for, so that the address sanitizer sees an overrun.
        shared = static_cast<char*>(std::malloc(shared_bytes ? shared_bytes : 1));
        std::memset(shared, POISON, shared_bytes);
        const char* wrong = run_block(fibers, stacks, order);
        std::free(shared);
        if (wrong) return wrong;
    }
    return nullptr;
}

template <class... Arguments>
const char* launch(void (*kernel)(Arguments...), unsigned blocks, unsigned threads,
                   size_t shared_bytes, void** arguments, unsigned order) {
    return launch(kernel, blocks, threads, shared_bytes, arguments, order,
                  std::index_sequence_for<Arguments...>{});
}

template <class T>
T shuffle(T value, unsigned lane) {
    static_assert(sizeof(T) <= sizeof(uint64_t));
    unsigned own = thread_number(), first = own / WARP * WARP;
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    exchanged[own] = bits;
    pause(State::at_warp);
    bits = exchanged[lane < WARP ? first + lane : own];
    pause(State::at_warp);
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

}  // namespace cuda_on_cpu

#define threadIdx (cuda_on_cpu::current->thread)
#define blockIdx cuda_on_cpu::block_index
#define blockDim cuda_on_cpu::block_size
#define gridDim cuda_on_cpu::grid_size
#define __syncthreads() cuda_on_cpu::pause(cuda_on_cpu::State::at_barrier)
#define __syncwarp() cuda_on_cpu::pause(cuda_on_cpu::State::at_warp)

template <class T>
T __shfl_xor_sync(unsigned, T value, int mask) {
    return cuda_on_cpu::shuffle(value, (cuda_on_cpu::thread_number() % 32) ^ mask);
}
template <class T>
T __shfl_sync(unsigned, T value, int lane) {
    return cuda_on_cpu::shuffle(value, lane);
}
// One fiber runs at a time, so a plain read and write is atomic.
template <class T>
T atomicAdd(T* place, T value) {
    T before = *place;
    *place = before + value;
    return before;
}
template <class T>
T atomicMax(T* place, T value) {
    T before = *place;
    *place = max(before, value);
    return before;
}
template <class T>
T atomicExch(T* place, T value) {
    T before = *place;
    *place = value;
    return before;
}
template <class T>
T atomicCAS(T* place, T expected, T value) {
    T before = *place;
    if (before == expected) *place = value;
    return before;
}

#define EXPORT_KERNEL(name)                                                                       \
    extern "C" const char* launch_##name(unsigned blocks, unsigned threads, size_t shared_bytes, \
                                         void** arguments, unsigned order) {                     \
        return cuda_on_cpu::launch(name, blocks, threads, shared_bytes, arguments, order);       \
    }
