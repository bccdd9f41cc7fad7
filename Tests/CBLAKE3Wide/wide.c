#include "wide.h"

// All functions with vectors are inlined into static ones, so their calling convention does not matter.
#pragma clang diagnostic ignored "-Wpsabi"

#define LANES 16
#define LANES_TARGET
// No register is as long as these vectors.
#define KEEP(vector)
#include "../../Sources/CBLAKE3/blake3_lanes.h"

void outpost_blake3_wide_chunks(const void *input, size_t count, uint64_t chunk, const uint32_t *key, int portable,
                                void *output) {
    struct blake3_batch batch = {
        .input = input,
        .stride = CHUNK_BYTES,
        .count = count,
        .blocks = CHUNK_BLOCKS,
        .key = key,
        .counter = chunk,
        .increment = 1,
        .block_length = BLOCK_BYTES,
        .flags = KEYED_HASH,
        .start_flags = CHUNK_START,
        .end_flags = CHUNK_END,
    };
    if (portable) {
        outpost_blake3_portable.hash_many(&batch, output);
    } else {
        hash_groups_16(&batch, 0, 0, output);
    }
}
