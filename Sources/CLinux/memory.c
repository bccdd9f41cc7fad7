#define _GNU_SOURCE
#include "memory.h"

#include <malloc.h>

void outpost_memory_frugal(void) {
    // One arena: the free end of any other is not returned on malloc_trim. Contention is rare, because streams allocate
    // large buffers, and seldom.
    mallopt(M_ARENA_MAX, 1);
    // What a few streams in both directions free and allocate again between two writes. With the default of 128 KiB,
    // the heap shrinks and grows for each of them, which costs a stream a tenth of its rate.
    mallopt(M_TRIM_THRESHOLD, 8 * 1024 * 1024);
    // Fixed, because the threshold would otherwise grow with the first large buffer that is freed, and such buffers
    // would then stay in the heap. A tunnel's buffers are larger than this, and few.
    mallopt(M_MMAP_THRESHOLD, 1024 * 1024);
}

void outpost_memory_trim(void) { malloc_trim(0); }
