#include "CBLAKE2s.h"

#include <string.h>

enum {
    BLOCK_BYTES = 64,
    DIGEST_BYTES = 32,
    ROUNDS = 10,
};

// RFC 7693, section 2.6: the first 32 bits of the fractional parts of the square roots of the first eight primes.
static const uint32_t initial[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

// Section 2.7: the message words of each round.
static const uint8_t schedule[ROUNDS][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
};

// Overwrites secrets. The compiler must assume that the assembly reads them, so it cannot drop the writes.
static void wipe(void *bytes, size_t count) {
    memset(bytes, 0, count);
    __asm__ volatile("" : : "r"(bytes) : "memory");
}

static inline uint32_t load(const uint8_t *bytes) {
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static inline uint32_t rotated(uint32_t word, int count) { return word >> count | word << (32 - count); }

// Section 3.1.
static inline void mix(uint32_t v[16], int a, int b, int c, int d, uint32_t x, uint32_t y) {
    v[a] += v[b] + x;
    v[d] = rotated(v[d] ^ v[a], 16);
    v[c] += v[d];
    v[b] = rotated(v[b] ^ v[c], 12);
    v[a] += v[b] + y;
    v[d] = rotated(v[d] ^ v[a], 8);
    v[c] += v[d];
    v[b] = rotated(v[b] ^ v[c], 7);
}

// Section 3.2. `length` counts the message's bytes up to the end of this block.
static void compress(uint32_t chain[8], const uint8_t *block, uint64_t length, uint32_t is_last) {
    uint32_t m[16], v[16];
    for (int i = 0; i < 16; i++) m[i] = load(block + 4 * i);
    for (int i = 0; i < 8; i++) {
        v[i] = chain[i];
        v[8 + i] = initial[i];
    }
    v[12] ^= (uint32_t)length;
    v[13] ^= (uint32_t)(length >> 32);
    v[14] ^= 0 - is_last;
    for (int round = 0; round < ROUNDS; round++) {
        const uint8_t *s = schedule[round];
        mix(v, 0, 4, 8, 12, m[s[0]], m[s[1]]);
        mix(v, 1, 5, 9, 13, m[s[2]], m[s[3]]);
        mix(v, 2, 6, 10, 14, m[s[4]], m[s[5]]);
        mix(v, 3, 7, 11, 15, m[s[6]], m[s[7]]);
        mix(v, 0, 5, 10, 15, m[s[8]], m[s[9]]);
        mix(v, 1, 6, 11, 12, m[s[10]], m[s[11]]);
        mix(v, 2, 7, 8, 13, m[s[12]], m[s[13]]);
        mix(v, 3, 4, 9, 14, m[s[14]], m[s[15]]);
    }
    for (int i = 0; i < 8; i++) chain[i] ^= v[i] ^ v[8 + i];
    wipe(m, sizeof m);
    wipe(v, sizeof v);
}

void outpost_blake2s_start(struct outpost_blake2s *state) {
    wipe(state, sizeof *state);
    memcpy(state->chain, initial, sizeof initial);
    // Section 2.5: depth 1, fanout 1, no key, the digest's length.
    state->chain[0] ^= 0x01010000 ^ DIGEST_BYTES;
}

void outpost_blake2s_update(struct outpost_blake2s *state, const uint8_t *bytes, size_t count) {
    if (count == 0) return;
    size_t room = BLOCK_BYTES - state->held;
    // A full block waits until more follows, because it may be the last one.
    if (count > room) {
        memcpy(state->block + state->held, bytes, room);
        state->compressed += BLOCK_BYTES;
        compress(state->chain, state->block, state->compressed, 0);
        state->held = 0;
        bytes += room;
        count -= room;
        while (count > BLOCK_BYTES) {
            state->compressed += BLOCK_BYTES;
            compress(state->chain, bytes, state->compressed, 0);
            bytes += BLOCK_BYTES;
            count -= BLOCK_BYTES;
        }
    }
    memcpy(state->block + state->held, bytes, count);
    state->held += (uint32_t)count;
}

void outpost_blake2s_finish(struct outpost_blake2s *state, uint8_t *digest) {
    memset(state->block + state->held, 0, BLOCK_BYTES - state->held);
    compress(state->chain, state->block, state->compressed + state->held, 1);
    for (int i = 0; i < DIGEST_BYTES; i++) digest[i] = (uint8_t)(state->chain[i / 4] >> (8 * (i % 4)));
    outpost_blake2s_start(state);
}
