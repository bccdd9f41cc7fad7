// The field of integers modulo p = 2^255 - 19, in constant time: no branch and no address depends on a value.
//
// A number is the sum of v[i] * 2^(51 i). Two bounds on limbs keep all sums in their words:
//   tight: below 2^51 + 2^17, what products and `field_decode` give
//   loose: below 2^54, what products take
// A sum or difference of tight numbers is below 2^53; a further one, with a tight number, below 2^54.
#ifndef OUTPOST_FIELD_H
#define OUTPOST_FIELD_H

#include <stdint.h>
#include <string.h>

typedef unsigned __int128 field_wide;

typedef struct {
    uint64_t v[5];
} field;

#define FIELD_MASK ((UINT64_C(1) << 51) - 1)

static const field field_zero = {{0, 0, 0, 0, 0}};
static const field field_one = {{1, 0, 0, 0, 0}};

// Overwrites secrets. The compiler must assume that the assembly reads them, so it cannot drop the writes.
static inline void field_wipe(void *bytes, size_t count) {
    memset(bytes, 0, count);
    __asm__ volatile("" : : "r"(bytes) : "memory");
}

// All ones for 1, zero for 0. The compiler must not know that there are only two values: it could make a branch of it.
static inline uint64_t field_choice(uint64_t bit) {
    __asm__("" : "+r"(bit));
    return 0 - bit;
}

static inline uint64_t field_load(const uint8_t *bytes) {
    uint64_t word = 0;
    for (int i = 7; i >= 0; i--) word = word << 8 | bytes[i];
    return word;
}

static inline void field_store(uint8_t *bytes, uint64_t word) {
    for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(word >> (8 * i));
}

// Ignores bit 255. Tight, but not reduced: 0 … 2^255 - 1.
static inline void field_decode(field *out, const uint8_t bytes[32]) {
    uint64_t a = field_load(bytes), b = field_load(bytes + 8), c = field_load(bytes + 16), d = field_load(bytes + 24);
    out->v[0] = a & FIELD_MASK;
    out->v[1] = (a >> 51 | b << 13) & FIELD_MASK;
    out->v[2] = (b >> 38 | c << 26) & FIELD_MASK;
    out->v[3] = (c >> 25 | d << 39) & FIELD_MASK;
    out->v[4] = d >> 12 & FIELD_MASK;
}

// Takes loose numbers; writes the residue below p.
static inline void field_encode(uint8_t bytes[32], const field *in) {
    uint64_t v[5];
    memcpy(v, in->v, sizeof v);
    // Twice, because the carry out of the top comes in at the bottom. Afterwards the number is below 2^255 + 19.
    for (int round = 0; round < 2; round++) {
        uint64_t carry = 0;
        for (int i = 0; i < 5; i++) {
            v[i] += carry;
            carry = v[i] >> 51;
            v[i] &= FIELD_MASK;
        }
        v[0] += 19 * carry;
    }
    // Whether it is at least p: then adding 19 carries out of bit 255.
    uint64_t excess = 19;
    for (int i = 0; i < 5; i++) excess = (v[i] + excess) >> 51;
    uint64_t carry = 19 * excess;
    for (int i = 0; i < 5; i++) {
        v[i] += carry;
        carry = v[i] >> 51;
        v[i] &= FIELD_MASK;
    }
    field_store(bytes, v[0] | v[1] << 51);
    field_store(bytes + 8, v[1] >> 13 | v[2] << 38);
    field_store(bytes + 16, v[2] >> 26 | v[3] << 25);
    field_store(bytes + 24, v[3] >> 39 | v[4] << 12);
    field_wipe(v, sizeof v);
}

static inline void field_add(field *out, const field *a, const field *b) {
    for (int i = 0; i < 5; i++) out->v[i] = a->v[i] + b->v[i];
}

// `b` must be tight. Adds 2p first, so that no limb gets negative.
static inline void field_subtract(field *out, const field *a, const field *b) {
    out->v[0] = a->v[0] + 0xfffffffffffda - b->v[0];
    for (int i = 1; i < 5; i++) out->v[i] = a->v[i] + 0xffffffffffffe - b->v[i];
}

// Sums of products, of which each is below 77 * 2^108: the carries are below 2^64, and 2^68 where they come in again.
static inline void field_carry(field *out, field_wide r0, field_wide r1, field_wide r2, field_wide r3, field_wide r4) {
    r1 += r0 >> 51;
    r2 += r1 >> 51;
    r3 += r2 >> 51;
    r4 += r3 >> 51;
    field_wide low = (field_wide)((uint64_t)r0 & FIELD_MASK) + (r4 >> 51) * 19;
    out->v[0] = (uint64_t)low & FIELD_MASK;
    out->v[1] = ((uint64_t)r1 & FIELD_MASK) + (uint64_t)(low >> 51);
    out->v[2] = (uint64_t)r2 & FIELD_MASK;
    out->v[3] = (uint64_t)r3 & FIELD_MASK;
    out->v[4] = (uint64_t)r4 & FIELD_MASK;
}

// 2^255 is 19 here, so what passes the top limb comes back 19 times at the bottom.
static inline void field_multiply(field *out, const field *x, const field *y) {
    uint64_t a0 = x->v[0], a1 = x->v[1], a2 = x->v[2], a3 = x->v[3], a4 = x->v[4];
    uint64_t b0 = y->v[0], b1 = y->v[1], b2 = y->v[2], b3 = y->v[3], b4 = y->v[4];
    uint64_t c1 = 19 * b1, c2 = 19 * b2, c3 = 19 * b3, c4 = 19 * b4;
    field_wide r0 = (field_wide)a0 * b0 + (field_wide)a1 * c4 + (field_wide)a2 * c3 + (field_wide)a3 * c2
        + (field_wide)a4 * c1;
    field_wide r1 = (field_wide)a0 * b1 + (field_wide)a1 * b0 + (field_wide)a2 * c4 + (field_wide)a3 * c3
        + (field_wide)a4 * c2;
    field_wide r2 = (field_wide)a0 * b2 + (field_wide)a1 * b1 + (field_wide)a2 * b0 + (field_wide)a3 * c4
        + (field_wide)a4 * c3;
    field_wide r3 = (field_wide)a0 * b3 + (field_wide)a1 * b2 + (field_wide)a2 * b1 + (field_wide)a3 * b0
        + (field_wide)a4 * c4;
    field_wide r4 = (field_wide)a0 * b4 + (field_wide)a1 * b3 + (field_wide)a2 * b2 + (field_wide)a3 * b1
        + (field_wide)a4 * b0;
    field_carry(out, r0, r1, r2, r3, r4);
}

static inline void field_square(field *out, const field *x) {
    uint64_t a0 = x->v[0], a1 = x->v[1], a2 = x->v[2], a3 = x->v[3], a4 = x->v[4];
    uint64_t d0 = 2 * a0, d1 = 2 * a1, c3 = 19 * a3, c4 = 19 * a4;
    field_wide r0 = (field_wide)a0 * a0 + (field_wide)d1 * c4 + (field_wide)(2 * a2) * c3;
    field_wide r1 = (field_wide)d0 * a1 + (field_wide)(2 * a2) * c4 + (field_wide)a3 * c3;
    field_wide r2 = (field_wide)d0 * a2 + (field_wide)a1 * a1 + (field_wide)(2 * a3) * c4;
    field_wide r3 = (field_wide)d0 * a3 + (field_wide)d1 * a2 + (field_wide)a4 * c4;
    field_wide r4 = (field_wide)d0 * a4 + (field_wide)d1 * a3 + (field_wide)a2 * a2;
    field_carry(out, r0, r1, r2, r3, r4);
}

static inline void field_multiply_small(field *out, const field *x, uint32_t factor) {
    field_carry(
        out, (field_wide)x->v[0] * factor, (field_wide)x->v[1] * factor, (field_wide)x->v[2] * factor,
        (field_wide)x->v[3] * factor, (field_wide)x->v[4] * factor
    );
}

// `out` becomes `in` where `mask` is all ones and stays where it is zero.
static inline void field_move(field *out, const field *in, uint64_t mask) {
    for (int i = 0; i < 5; i++) out->v[i] ^= mask & (out->v[i] ^ in->v[i]);
}

static inline void field_swap(field *a, field *b, uint64_t mask) {
    for (int i = 0; i < 5; i++) {
        uint64_t difference = mask & (a->v[i] ^ b->v[i]);
        a->v[i] ^= difference;
        b->v[i] ^= difference;
    }
}

// 1 if equal modulo p, 0 if not.
static inline uint64_t field_equal(const field *a, const field *b) {
    uint8_t x[32], y[32];
    field_encode(x, a);
    field_encode(y, b);
    uint64_t difference = 0;
    for (int i = 0; i < 32; i++) difference |= (uint64_t)(x[i] ^ y[i]);
    field_wipe(x, sizeof x);
    field_wipe(y, sizeof y);
    // Below 256, so only zero borrows into bit 63.
    return (difference - 1) >> 63;
}

static inline void field_square_times(field *out, const field *x, int count) {
    field_square(out, x);
    for (int i = 1; i < count; i++) field_square(out, out);
}

// x^((p-5)/8) = x^(2^252 - 3). `out` must not be `x`. Each line's exponent stands beside it.
static inline void field_root_power(field *out, const field *x) {
    field a, b, c;
    field_square(&a, x);              // 2
    field_square_times(&b, &a, 2);    // 8
    field_multiply(&b, &b, x);        // 9
    field_multiply(&a, &a, &b);       // 11
    field_square(&c, &a);             // 22
    field_multiply(&b, &b, &c);       // 31 = 2^5 - 1
    field_square_times(&c, &b, 5);
    field_multiply(&b, &c, &b);       // 2^10 - 1
    field_square_times(&c, &b, 10);
    field_multiply(&c, &c, &b);       // 2^20 - 1
    field_square_times(&a, &c, 20);
    field_multiply(&c, &a, &c);       // 2^40 - 1
    field_square_times(&c, &c, 10);
    field_multiply(&b, &c, &b);       // 2^50 - 1
    field_square_times(&c, &b, 50);
    field_multiply(&c, &c, &b);       // 2^100 - 1
    field_square_times(&a, &c, 100);
    field_multiply(&c, &a, &c);       // 2^200 - 1
    field_square_times(&c, &c, 50);
    field_multiply(&b, &c, &b);       // 2^250 - 1
    field_square_times(&b, &b, 2);
    field_multiply(out, &b, x);       // 2^252 - 3
    field_wipe(&a, sizeof a);
    field_wipe(&b, sizeof b);
    field_wipe(&c, sizeof c);
}

// From `power` = x^((p-5)/8): the inverse of x, because 8 (p-5)/8 + 3 = p - 2. Zero for zero.
static inline void field_inverse_from_power(field *out, const field *x, const field *power) {
    field cube, eighth;
    field_square(&cube, x);
    field_multiply(&cube, &cube, x);
    field_square_times(&eighth, power, 3);
    field_multiply(out, &eighth, &cube);
    field_wipe(&cube, sizeof cube);
    field_wipe(&eighth, sizeof eighth);
}

// From `power` = x^((p-5)/8): x^((p-1)/2), because 4 (p-5)/8 + 2 = (p-1)/2. 1 for a square, -1 for a non-square, 0 for
// zero (Euler's criterion).
static inline void field_character_from_power(field *out, const field *x, const field *power) {
    field square, fourth;
    field_square(&square, x);
    field_square_times(&fourth, power, 2);
    field_multiply(out, &fourth, &square);
    field_wipe(&square, sizeof square);
    field_wipe(&fourth, sizeof fourth);
}

static inline void field_invert(field *out, const field *x) {
    field power;
    field_root_power(&power, x);
    field_inverse_from_power(out, x, &power);
    field_wipe(&power, sizeof power);
}

#endif
