// Compresses LANES independent blocks at once, one in each 32-bit lane of a vector. The source is the same for all
// vector lengths. Before including it, a file defines
//   LANES_TARGET  the attribute that enables the instructions
//   LANES         4, 8 or 16; the file may be included again with another number
// and may define
//   SHUFFLE_BYTES(words, order)  rotates the words by whole bytes, with one of the two orders of the file
// All names are static, and end with the number of lanes.
#include "blake3_internal.h"
#include "blake3_rounds.h"
#include "blake3_rows.h"

#ifndef OUTPOST_BLAKE3_LANES_NAMES
#define OUTPOST_BLAKE3_LANES_NAMES
// How far ahead input is fetched.
enum { PREFETCHED_BLOCKS = 4 };
#define JOIN(name, number) name##_##number
#define JOIN_VALUES(name, number) JOIN(name, number)
// Four words of one input.
typedef uint32_t quad __attribute__((vector_size(16)));

ALWAYS_INLINE LANES_TARGET quad load_quad(const uint8_t *bytes) {
    quad words;
    memcpy(&words, bytes, sizeof words);
    return words;
}
#endif

#define NAME(name) JOIN_VALUES(name, LANES)
#define lanes NAME(lanes)

typedef uint32_t lanes __attribute__((vector_size(4 * LANES)));

// Index lists for __builtin_shufflevector, whose second operand starts at index LANES. Each group of four lanes is
// treated alike, as the interleaving instructions do.
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#if LANES == 4
#define INTERLEAVE_LOW_WORDS(a, b) SHUFFLE(a, b, 0, 4, 1, 5)
#define INTERLEAVE_HIGH_WORDS(a, b) SHUFFLE(a, b, 2, 6, 3, 7)
#define INTERLEAVE_LOW_PAIRS(a, b) SHUFFLE(a, b, 0, 1, 4, 5)
#define INTERLEAVE_HIGH_PAIRS(a, b) SHUFFLE(a, b, 2, 3, 6, 7)
#define LANE_NUMBERS {0, 1, 2, 3}
#elif LANES == 8
#define INTERLEAVE_LOW_WORDS(a, b) SHUFFLE(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define INTERLEAVE_HIGH_WORDS(a, b) SHUFFLE(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
#define INTERLEAVE_LOW_PAIRS(a, b) SHUFFLE(a, b, 0, 1, 8, 9, 4, 5, 12, 13)
#define INTERLEAVE_HIGH_PAIRS(a, b) SHUFFLE(a, b, 2, 3, 10, 11, 6, 7, 14, 15)
#define LANE_NUMBERS {0, 1, 2, 3, 4, 5, 6, 7}
#elif LANES == 16
#define INTERLEAVE_LOW_WORDS(a, b) SHUFFLE(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29)
#define INTERLEAVE_HIGH_WORDS(a, b) SHUFFLE(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31)
#define INTERLEAVE_LOW_PAIRS(a, b) SHUFFLE(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29)
#define INTERLEAVE_HIGH_PAIRS(a, b) SHUFFLE(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31)
#define LANE_NUMBERS {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
#else
#error "LANES is 4, 8 or 16"
#endif

ALWAYS_INLINE LANES_TARGET lanes NAME(all_lanes)(uint32_t word) { return word - (lanes){0}; }

// The same 16 bytes of the inputs first, first + 4, …, one input in each group of four lanes.
ALWAYS_INLINE LANES_TARGET lanes NAME(gather_quads)(const uint8_t *const inputs[LANES], size_t first, size_t offset) {
    quad a = load_quad(inputs[first] + offset);
#if LANES == 4
    return a;
#else
    quad b = load_quad(inputs[first + 4] + offset);
#if LANES == 8
    return SHUFFLE(a, b, 0, 1, 2, 3, 4, 5, 6, 7);
#else
    quad c = load_quad(inputs[first + 8] + offset);
    quad d = load_quad(inputs[first + 12] + offset);
    return SHUFFLE(SHUFFLE(a, b, 0, 1, 2, 3, 4, 5, 6, 7), SHUFFLE(c, d, 0, 1, 2, 3, 4, 5, 6, 7),
                   0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#endif
#endif
}

ALWAYS_INLINE LANES_TARGET void NAME(scatter_quads)(lanes words, uint8_t *output, size_t first) {
    memcpy(output + VALUE_BYTES * first, &words, sizeof(quad));
#if LANES >= 8
    memcpy(output + VALUE_BYTES * (first + 4), (const uint8_t *)&words + 16, sizeof(quad));
#endif
#if LANES == 16
    memcpy(output + VALUE_BYTES * (first + 8), (const uint8_t *)&words + 32, sizeof(quad));
    memcpy(output + VALUE_BYTES * (first + 12), (const uint8_t *)&words + 48, sizeof(quad));
#endif
}

// Transposes the 4×4 words of each group of four lanes.
ALWAYS_INLINE LANES_TARGET void NAME(transpose)(lanes *a, lanes *b, lanes *c, lanes *d) {
    lanes ab_low = INTERLEAVE_LOW_WORDS(*a, *b);
    lanes ab_high = INTERLEAVE_HIGH_WORDS(*a, *b);
    lanes cd_low = INTERLEAVE_LOW_WORDS(*c, *d);
    lanes cd_high = INTERLEAVE_HIGH_WORDS(*c, *d);
    *a = INTERLEAVE_LOW_PAIRS(ab_low, cd_low);
    *b = INTERLEAVE_HIGH_PAIRS(ab_low, cd_low);
    *c = INTERLEAVE_LOW_PAIRS(ab_high, cd_high);
    *d = INTERLEAVE_HIGH_PAIRS(ab_high, cd_high);
}

ALWAYS_INLINE LANES_TARGET lanes NAME(rotate)(lanes words, int count) {
#ifdef SHUFFLE_BYTES
    if (count == 16) {
        SHUFFLE_BYTES(words, right_by_2_bytes);
        return words;
    }
    if (count == 8) {
        SHUFFLE_BYTES(words, right_by_1_byte);
        return words;
    }
#endif
    words = words >> count | words << (32 - count);
    KEEP(words);
    return words;
}

ALWAYS_INLINE LANES_TARGET void NAME(seven_rounds)(lanes v[16], const lanes m[16]) {
#define rotate NAME(rotate)
    SEVEN_ROUNDS();
#undef rotate
}

// LANES inputs; `low` and `high` are the halves of their counters.
static LANES_TARGET void NAME(hash_lanes)(const struct blake3_batch *batch, const uint8_t *const inputs[LANES],
                                          lanes low, lanes high, uint8_t *output) {
    lanes h[8];
    for (int i = 0; i < 8; i++) h[i] = NAME(all_lanes)(batch->key[i]);
    uint32_t flags = batch->flags | batch->start_flags;
    for (size_t block = 0; block < batch->blocks; block++) {
        if (block + 1 == batch->blocks) flags |= batch->end_flags;
        // The processor does not follow so many streams by itself. After the last block of an input comes the next
        // group of inputs. An address may lie outside of the batch: it is only a hint.
        size_t ahead = BLOCK_BYTES * (block + PREFETCHED_BLOCKS);
        if (block + PREFETCHED_BLOCKS >= batch->blocks) ahead += batch->stride * LANES - BLOCK_BYTES * batch->blocks;
        for (int i = 0; i < LANES; i++) __builtin_prefetch((const void *)((uintptr_t)inputs[i] + ahead));
        lanes m[16];
        for (int i = 0; i < 4; i++) {
            for (int j = 0; j < 4; j++) {
                m[4 * i + j] = NAME(gather_quads)(inputs, (size_t)j, BLOCK_BYTES * block + 16 * (size_t)i);
            }
            NAME(transpose)(&m[4 * i], &m[4 * i + 1], &m[4 * i + 2], &m[4 * i + 3]);
        }
        lanes v[16] = {
            h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7],
            NAME(all_lanes)(BLAKE3_IV_0), NAME(all_lanes)(BLAKE3_IV_1),
            NAME(all_lanes)(BLAKE3_IV_2), NAME(all_lanes)(BLAKE3_IV_3),
            low, high, NAME(all_lanes)(batch->block_length), NAME(all_lanes)(flags),
        };
        NAME(seven_rounds)(v, m);
        for (int i = 0; i < 8; i++) h[i] = v[i] ^ v[i + 8];
        flags = batch->flags;
    }
    NAME(transpose)(&h[0], &h[1], &h[2], &h[3]);
    NAME(transpose)(&h[4], &h[5], &h[6], &h[7]);
    for (int i = 0; i < 4; i++) {
        NAME(scatter_quads)(h[i], output, (size_t)i);
        NAME(scatter_quads)(h[i + 4], output + 16, (size_t)i);
    }
}

// Hashes the inputs of a batch, from number `done` on, as long as more than `rest` are left. Returns the number of the
// first one that was not hashed.
ALWAYS_INLINE LANES_TARGET size_t NAME(hash_groups)(const struct blake3_batch *batch, size_t done, size_t rest,
                                                    uint8_t *output) {
    const lanes numbers = LANE_NUMBERS;
    for (; done + rest < batch->count; done += LANES) {
        size_t left = batch->count - done;
        const uint8_t *inputs[LANES];
        // Lanes without an input repeat the last one.
        for (size_t i = 0; i < LANES; i++) {
            inputs[i] = batch->input + batch->stride * (done + (i < left ? i : left - 1));
        }
        uint64_t counter = batch->counter + batch->increment * done;
        lanes low = NAME(all_lanes)((uint32_t)counter) + numbers * NAME(all_lanes)(batch->increment);
        // A comparison gives all ones, which is -1, where the low half has passed its end.
        lanes high = NAME(all_lanes)((uint32_t)(counter >> 32)) - (lanes)(low < NAME(all_lanes)((uint32_t)counter));
        if (left >= LANES) {
            NAME(hash_lanes)(batch, inputs, low, high, output + VALUE_BYTES * done);
        } else {
            uint8_t values[LANES * VALUE_BYTES];
            NAME(hash_lanes)(batch, inputs, low, high, values);
            memcpy(output + VALUE_BYTES * done, values, VALUE_BYTES * left);
            return batch->count;
        }
    }
    return done;
}

#undef lanes
#undef NAME
#undef SHUFFLE
#undef INTERLEAVE_LOW_WORDS
#undef INTERLEAVE_HIGH_WORDS
#undef INTERLEAVE_LOW_PAIRS
#undef INTERLEAVE_HIGH_PAIRS
#undef LANE_NUMBERS
