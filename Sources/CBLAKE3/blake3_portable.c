// The compression function in plain C: for other processors, and what the tests compare the others with.
#include "blake3_internal.h"
#include "blake3_rounds.h"

ALWAYS_INLINE uint32_t rotate(uint32_t word, int count) { return word >> count | word << (32 - count); }

// The state after seven rounds, before the final exclusive-or.
static void rounds(uint32_t v[16], const uint32_t value[8], const uint8_t *block, uint32_t block_length,
                   uint64_t counter, uint32_t flags) {
    uint32_t m[16];
    for (int i = 0; i < 16; i++) m[i] = load_word(block + 4 * i);
    memcpy(v, value, 8 * sizeof *v);
    v[8] = BLAKE3_IV_0;
    v[9] = BLAKE3_IV_1;
    v[10] = BLAKE3_IV_2;
    v[11] = BLAKE3_IV_3;
    v[12] = (uint32_t)counter;
    v[13] = (uint32_t)(counter >> 32);
    v[14] = block_length;
    v[15] = flags;
    SEVEN_ROUNDS();
}

static void chain(uint32_t value[8], const uint8_t *blocks, size_t count, uint64_t counter, uint32_t flags,
                  uint32_t start_flags) {
    for (size_t i = 0; i < count; i++) {
        uint32_t v[16];
        rounds(v, value, blocks + BLOCK_BYTES * i, BLOCK_BYTES, counter, flags | start_flags);
        for (int j = 0; j < 8; j++) value[j] = v[j] ^ v[j + 8];
        start_flags = 0;
    }
}

static void compress(const uint32_t value[8], const uint8_t block[BLOCK_BYTES], uint32_t block_length,
                     uint64_t counter, uint32_t flags, uint8_t output[BLOCK_BYTES]) {
    uint32_t v[16];
    rounds(v, value, block, block_length, counter, flags);
    for (int i = 0; i < 8; i++) {
        v[i] ^= v[i + 8];
        v[i + 8] ^= value[i];
    }
    memcpy(output, v, sizeof v);
}

static void hash_many(const struct blake3_batch *batch, uint8_t *output) {
    for (size_t i = 0; i < batch->count; i++) {
        const uint8_t *input = batch->input + batch->stride * i;
        uint64_t counter = batch->counter + batch->increment * i;
        uint32_t value[8];
        memcpy(value, batch->key, sizeof value);
        uint32_t flags = batch->flags | batch->start_flags;
        for (size_t block = 0; block < batch->blocks; block++) {
            if (block + 1 == batch->blocks) flags |= batch->end_flags;
            uint32_t v[16];
            rounds(v, value, input + BLOCK_BYTES * block, batch->block_length, counter, flags);
            for (int j = 0; j < 8; j++) value[j] = v[j] ^ v[j + 8];
            flags = batch->flags;
        }
        memcpy(output + VALUE_BYTES * i, value, sizeof value);
    }
}

const struct blake3_kernel outpost_blake3_portable = {
    .chain = chain,
    .compress = compress,
    .hash_many = hash_many,
};
