#define _GNU_SOURCE
#include "memory.h"

#include <malloc.h>

void outpost_memory_frugal(void) {
    // The free end of another arena than the first is not given back when that is asked for. Threads wait for each other
    // seldom: what streams allocate is large and rare.
    mallopt(M_ARENA_MAX, 1);
    // What a few streams in both directions free and take again between two writes: with the default of 128 KiB the heap
    // shrinks and grows again for each of them, which cost a stream a tenth.
    mallopt(M_TRIM_THRESHOLD, 8 * 1024 * 1024);
    // Fixed, because the threshold would otherwise grow with the first large buffer that is freed, and such buffers would
    // from then on stay in the heap. Buffers of a tunnel are larger than this and are few.
    mallopt(M_MMAP_THRESHOLD, 1024 * 1024);
}

void outpost_memory_trim(void) { malloc_trim(0); }
