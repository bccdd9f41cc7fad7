// Which kernel this process uses.
#include "blake3_internal.h"

#include <stdatomic.h>

#if defined(__x86_64__)
#include <cpuid.h>

// The parts of the state that the system saves for each thread (XCR0).
ALWAYS_INLINE uint32_t saved_state(void) {
    uint32_t low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

// The CPUID bits of Intel's manual, volume 2A.
enum {
    LEAF_1_ECX_SSSE3 = 1 << 9,
    LEAF_1_ECX_SSE41 = 1 << 19,
    LEAF_1_ECX_OSXSAVE = 1 << 27,
    LEAF_7_EBX_AVX2 = 1 << 5,
    LEAF_7_EBX_AVX512F = 1 << 16,
    // SSE and AVX registers.
    XCR0_AVX = 0x06,
    // Also mask registers and all of the long ones.
    XCR0_AVX512 = 0xe6,
};
#define LEAF_7_EBX_AVX512VL (1u << 31)
#endif

static const struct blake3_kernel *kernel_numbered(int number) {
    switch (number) {
    case OUTPOST_BLAKE3_PORTABLE: return &outpost_blake3_portable;
#if defined(__x86_64__)
    case OUTPOST_BLAKE3_SSE41: return &outpost_blake3_sse41;
    case OUTPOST_BLAKE3_AVX2: return &outpost_blake3_avx2;
    case OUTPOST_BLAKE3_AVX512: return &outpost_blake3_avx512;
#elif defined(__aarch64__)
    case OUTPOST_BLAKE3_NEON: return &outpost_blake3_neon;
#endif
    default: return NULL;
    }
}

bool outpost_blake3_supports(int number) {
    if (number == OUTPOST_BLAKE3_PORTABLE) return true;
#if defined(__x86_64__)
    unsigned eax, ebx, ecx, edx;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx)) return false;
    if (number == OUTPOST_BLAKE3_SSE41) return (ecx & LEAF_1_ECX_SSSE3) != 0 && (ecx & LEAF_1_ECX_SSE41) != 0;
    if (!(ecx & LEAF_1_ECX_OSXSAVE)) return false;
    uint32_t saved = saved_state();
    if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) || !(ebx & LEAF_7_EBX_AVX2)) return false;
    if (number == OUTPOST_BLAKE3_AVX2) return (saved & XCR0_AVX) == XCR0_AVX;
    if (number == OUTPOST_BLAKE3_AVX512) {
        return (ebx & LEAF_7_EBX_AVX512F) && (ebx & LEAF_7_EBX_AVX512VL) && (saved & XCR0_AVX512) == XCR0_AVX512;
    }
    return false;
#elif defined(__aarch64__)
    return number == OUTPOST_BLAKE3_NEON;
#else
    return false;
#endif
}

// -1 until the first call. Threads that find it at once find the same, so the order of their stores does not matter,
// and the kernels are constants: nothing else has to become visible with the number.
static _Atomic int chosen = -1;

int outpost_blake3_kernel(void) {
    int number = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (number >= 0) return number;
    int best = OUTPOST_BLAKE3_PORTABLE;
    for (int candidate = 0; candidate < OUTPOST_BLAKE3_KERNEL_COUNT; candidate++) {
        if (outpost_blake3_supports(candidate)) best = candidate;
    }
    // If a test has set one meanwhile, that one stays.
    return atomic_compare_exchange_strong(&chosen, &number, best) ? best : number;
}

bool outpost_blake3_set_kernel(int number) {
    if (!outpost_blake3_supports(number)) return false;
    atomic_store(&chosen, number);
    return true;
}

const struct blake3_kernel *outpost_blake3_current(void) { return kernel_numbered(outpost_blake3_kernel()); }
