// The compression of a single block with the four rows of the state in four vectors. Before including it, a file
// defines LANES_TARGET, the attribute that enables the instructions. All names are static.
#ifndef OUTPOST_BLAKE3_ROWS_H
#define OUTPOST_BLAKE3_ROWS_H

#include "blake3_internal.h"

typedef uint32_t row __attribute__((vector_size(16)));

struct rows {
    row a, b, c, d;
};

ALWAYS_INLINE LANES_TARGET row rotate_row(row words, int count) {
    words = words >> count | words << (32 - count);
    KEEP(words);
    return words;
}

// The first or second half of the four quarter-rounds, one in each lane. The row `b` is the last to be known, so it is
// added last.
ALWAYS_INLINE LANES_TARGET void half_round(struct rows *s, row message, int first) {
    row sum = s->a + message;
    KEEP(sum);
    s->a = sum + s->b;
    s->d ^= s->a;
    s->d = first ? rotate_row(s->d, 16) : rotate_row(s->d, 8);
    s->c += s->d;
    s->b ^= s->c;
    s->b = first ? rotate_row(s->b, 12) : rotate_row(s->b, 7);
}

// The columns, then the diagonals. For these the rows turn against `b`, which stays because the next step waits for it:
// lane 0 then has the words 3, 4, 9 and 14.
ALWAYS_INLINE LANES_TARGET void row_round(struct rows *s, row x0, row x1, row y0, row y1) {
    half_round(s, x0, 1);
    half_round(s, x1, 0);
    s->a = __builtin_shufflevector(s->a, s->a, 3, 0, 1, 2);
    s->c = __builtin_shufflevector(s->c, s->c, 1, 2, 3, 0);
    s->d = __builtin_shufflevector(s->d, s->d, 2, 3, 0, 1);
    half_round(s, y0, 1);
    half_round(s, y1, 0);
    s->a = __builtin_shufflevector(s->a, s->a, 1, 2, 3, 0);
    s->c = __builtin_shufflevector(s->c, s->c, 3, 0, 1, 2);
    s->d = __builtin_shufflevector(s->d, s->d, 2, 3, 0, 1);
}

// The state after seven rounds, before the final exclusive-or.
ALWAYS_INLINE LANES_TARGET struct rows compress_rows(row low, row high, const uint8_t *block, uint32_t block_length,
                                                     uint64_t counter, uint32_t flags) {
    row w[4];
    memcpy(w, block, sizeof w);
    struct rows s = {
        low,
        high,
        {BLAKE3_IV_0, BLAKE3_IV_1, BLAKE3_IV_2, BLAKE3_IV_3},
        {(uint32_t)counter, (uint32_t)(counter >> 32), block_length, flags},
    };
    // The words of each half round in the order of its lanes.
    row x0 = __builtin_shufflevector(w[0], w[1], 0, 2, 4, 6);
    row x1 = __builtin_shufflevector(w[0], w[1], 1, 3, 5, 7);
    row y0 = __builtin_shufflevector(w[2], w[3], 6, 0, 2, 4);
    row y1 = __builtin_shufflevector(w[2], w[3], 7, 1, 3, 5);
    row_round(&s, x0, x1, y0, y1);
    for (int round = 1; round < 7; round++) {
        // The permutation of the words (section 2.2) in that order:
        // x0 = 2 3 7 4, x1 = 6 10 0 13, y0 = 15 1 12 9, y1 = 8 11 5 14 of x0 = 0 2 4 6, x1 = 1 3 5 7, y0 = 14 8 10 12,
        // y1 = 15 9 11 13.
        row next_x0 = __builtin_shufflevector(__builtin_shufflevector(x0, x1, 1, 2, 5, 7), x0, 0, 2, 3, 1);
        row y2 = __builtin_shufflevector(y0, y1, 0, 1, 2, 7);
        row next_x1 = __builtin_shufflevector(__builtin_shufflevector(x0, y2, 3, 0, 6, 7), x0, 0, 2, 1, 3);
        row y3 = __builtin_shufflevector(y1, x1, 0, 4, 1, 5);
        row next_y0 = __builtin_shufflevector(__builtin_shufflevector(y3, y3, 0, 1, 2, 2), y0, 0, 1, 7, 3);
        row y4 = __builtin_shufflevector(y1, x1, 2, 6, 3, 7);
        row next_y1 = __builtin_shufflevector(__builtin_shufflevector(y0, y4, 1, 0, 4, 5), x0, 0, 2, 3, 1);
        x0 = next_x0;
        x1 = next_x1;
        y0 = next_y0;
        y1 = next_y1;
        row_round(&s, x0, x1, y0, y1);
    }
    return s;
}

static LANES_TARGET void chain_rows(uint32_t value[8], const uint8_t *blocks, size_t count, uint64_t counter,
                                    uint32_t flags, uint32_t start_flags) {
    row low, high;
    memcpy(&low, value, sizeof low);
    memcpy(&high, value + 4, sizeof high);
    for (size_t i = 0; i < count; i++) {
        struct rows s = compress_rows(low, high, blocks + BLOCK_BYTES * i, BLOCK_BYTES, counter, flags | start_flags);
        low = s.a ^ s.c;
        high = s.b ^ s.d;
        start_flags = 0;
    }
    memcpy(value, &low, sizeof low);
    memcpy(value + 4, &high, sizeof high);
}

static LANES_TARGET void compress_block(const uint32_t value[8], const uint8_t block[BLOCK_BYTES],
                                        uint32_t block_length, uint64_t counter, uint32_t flags,
                                        uint8_t output[BLOCK_BYTES]) {
    row low, high;
    memcpy(&low, value, sizeof low);
    memcpy(&high, value + 4, sizeof high);
    struct rows s = compress_rows(low, high, block, block_length, counter, flags);
    row words[4] = {s.a ^ s.c, s.b ^ s.d, s.c ^ low, s.d ^ high};
    memcpy(output, words, sizeof words);
}

// One input of a batch.
static LANES_TARGET void hash_one(const struct blake3_batch *batch, size_t number, uint8_t *output) {
    const uint8_t *input = batch->input + batch->stride * number;
    row low, high;
    memcpy(&low, batch->key, sizeof low);
    memcpy(&high, batch->key + 4, sizeof high);
    uint32_t flags = batch->flags | batch->start_flags;
    for (size_t block = 0; block < batch->blocks; block++) {
        if (block + 1 == batch->blocks) flags |= batch->end_flags;
        struct rows s = compress_rows(low, high, input + BLOCK_BYTES * block, batch->block_length,
                                      batch->counter + batch->increment * number, flags);
        low = s.a ^ s.c;
        high = s.b ^ s.d;
        flags = batch->flags;
    }
    memcpy(output + VALUE_BYTES * number, &low, sizeof low);
    memcpy(output + VALUE_BYTES * number + sizeof low, &high, sizeof high);
}

#endif
