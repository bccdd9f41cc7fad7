#if defined(__x86_64__)

#define LANES_TARGET __attribute__((target("avx512f,avx512vl")))
#define LANES 8
#include "blake3_lanes.h"
#undef LANES
#define LANES 16
#include "blake3_lanes.h"

static LANES_TARGET void hash_many(const struct blake3_batch *batch, uint8_t *output) {
    // Vectors of half the length take less time for up to half as many inputs.
    size_t done = hash_groups_16(batch, 0, 8, output);
    done = hash_groups_8(batch, done, 1, output);
    if (done < batch->count) hash_one(batch, done, output);
}

const struct blake3_kernel outpost_blake3_avx512 = {
    .chain = chain_rows,
    .compress = compress_block,
    .hash_many = hash_many,
};

#endif
