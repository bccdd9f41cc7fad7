#if defined(__x86_64__)

#include <stdint.h>

#define LANES_TARGET __attribute__((target("sse4.1")))

static const _Alignas(16) uint8_t right_by_2_bytes[16] = {
    2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13,
};
static const _Alignas(16) uint8_t right_by_1_byte[16] = {
    1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12,
};
// Inline assembly, because the compiler would keep the order in a register, and the state needs all of them. Volatile,
// because the compiler then keeps the order of the statements, and has to store fewer registers.
#define SHUFFLE_BYTES(words, order) __asm__ volatile("pshufb %1, %0" : "+x"(words) : "m"(order))

#define LANES 4
#include "blake3_lanes.h"

static LANES_TARGET void hash_many(const struct blake3_batch *batch, uint8_t *output) {
    size_t done = hash_groups_4(batch, 0, 1, output);
    if (done < batch->count) hash_one(batch, done, output);
}

const struct blake3_kernel outpost_blake3_sse41 = {
    .chain = chain_rows,
    .compress = compress_block,
    .hash_many = hash_many,
};

#endif
