// The source of the AVX-512 kernel, compiled for the instructions that every processor of the architecture has.
#ifndef OUTPOST_BLAKE3_WIDE_H
#define OUTPOST_BLAKE3_WIDE_H

#include <stddef.h>
#include <stdint.h>

// The values of `count` whole chunks, the first of which has this number, 16 at once; with `portable` one at a time.
void outpost_blake3_wide_chunks(const void *_Nonnull input, size_t count, uint64_t chunk, const uint32_t *_Nonnull key,
                                int portable, void *_Nonnull output);

#endif
