#include "CCurve25519.h"

#include "field.h"

// The curve is v^2 = u^3 + 486662 u^2 + u (RFC 7748, section 4.1). Its group has 8 L points, with the prime
// L = 2^252 + 27742317777372353535851937790883648493; they are the sums of a multiple of the base point B, u = 9, and
// one of eight points of low order.
//
// The public key of a clamped scalar a is a B. An observer who multiplies such a point by L always gets the neutral
// element; of points chosen at random, only one in eight gives it. So a key that is to look random adds a random point
// of low order. Both summands come from one ladder:
//
//   D = B + T, for a fixed T of order 8. Then D has order 8 L.
//   (a + k L) D = a B + a T + k L T = a B + 5 k T
//
// because a clamped a is a multiple of 8, L B is neutral, and L is 5 modulo 8. For k = 0 … 7, 5 k T runs through all
// eight points of low order. The lowest three bits of the scalar give k: clamping drops them, so they are random and
// independent of a. The peer's X25519 multiplies by a multiple of 8, which removes the point of low order again.
//
// The same idea stands in Monocypher's crypto_x25519_dirty_small and in "Elligator" of Loup Vaillant
// (elligator.org/key-exchange).

// (486662 - 2) / 4, RFC 7748, section 5.
#define CURVE_A24 121665

static const uint8_t base_point[32] = {9};

// The u-coordinate of D. T has u = 39382357235489614581723060781553021112529911719440698176882885853963445705823.
static const uint8_t dirty_base_point[32] = {
    0xd8, 0x86, 0x1a, 0xa2, 0x78, 0x7a, 0xd9, 0x26, 0x8b, 0x74, 0x74, 0xb6, 0x82, 0xe3, 0xbe, 0xc3,
    0xce, 0x36, 0x9a, 0x1e, 0x5e, 0x31, 0x47, 0xa2, 0x6d, 0x37, 0x7c, 0xfd, 0x20, 0xb5, 0xdf, 0x75,
};

// L, least significant word first.
static const uint64_t group_order[4] = {0x5812631a5cf5d3ed, 0x14def9dea2f79cd6, 0, 0x1000000000000000};

struct ladder {
    field x1, x2, z2, x3, z3, a, aa, b, bb, e, da, cb;
};

// The u-coordinate of `scalar` times the point `u`, with all 256 bits of the scalar and no clamping (RFC 7748,
// section 5). Returns 1, or 0 if the result is zero.
static int ladder_multiply(uint8_t result[32], const uint8_t scalar[32], const uint8_t u[32]) {
    struct ladder l;
    field_decode(&l.x1, u);
    l.x2 = field_one;
    l.z2 = field_zero;
    l.x3 = l.x1;
    l.z3 = field_one;
    uint64_t swapped = 0;
    for (int position = 255; position >= 0; position--) {
        uint64_t bit = scalar[position / 8] >> (position % 8) & 1;
        uint64_t mask = field_choice(swapped ^ bit);
        field_swap(&l.x2, &l.x3, mask);
        field_swap(&l.z2, &l.z3, mask);
        swapped = bit;
        field_add(&l.a, &l.x2, &l.z2);
        field_subtract(&l.b, &l.x2, &l.z2);
        field_add(&l.e, &l.x3, &l.z3);
        field_subtract(&l.da, &l.x3, &l.z3);
        field_multiply(&l.cb, &l.e, &l.b);
        field_multiply(&l.da, &l.da, &l.a);
        field_square(&l.aa, &l.a);
        field_square(&l.bb, &l.b);
        field_add(&l.x3, &l.da, &l.cb);
        field_subtract(&l.z3, &l.da, &l.cb);
        field_square(&l.x3, &l.x3);
        field_square(&l.z3, &l.z3);
        field_multiply(&l.z3, &l.z3, &l.x1);
        field_multiply(&l.x2, &l.aa, &l.bb);
        field_subtract(&l.e, &l.aa, &l.bb);
        field_multiply_small(&l.a, &l.e, CURVE_A24);
        field_add(&l.a, &l.a, &l.aa);
        field_multiply(&l.z2, &l.e, &l.a);
    }
    uint64_t mask = field_choice(swapped);
    field_swap(&l.x2, &l.x3, mask);
    field_swap(&l.z2, &l.z3, mask);
    // The neutral element has z2 = 0, whose inverse is zero here.
    field_invert(&l.a, &l.z2);
    field_multiply(&l.a, &l.a, &l.x2);
    field_encode(result, &l.a);
    field_wipe(&l, sizeof l);
    uint64_t sum = 0;
    for (int i = 0; i < 32; i++) sum |= result[i];
    // Below 256, so only zero borrows into bit 63.
    return (int)(1 - ((sum - 1) >> 63));
}

static void clamp(uint8_t out[32], const uint8_t scalar[32]) {
    memcpy(out, scalar, 32);
    out[0] &= 0xf8;
    out[31] = (out[31] & 0x7f) | 0x40;
}

int outpost_curve25519_multiply(uint8_t result[32], const uint8_t scalar[32], const uint8_t u[32]) {
    uint8_t clamped[32];
    clamp(clamped, scalar);
    int is_not_zero = ladder_multiply(result, clamped, u);
    field_wipe(clamped, sizeof clamped);
    return is_not_zero;
}

void outpost_curve25519_public_key(uint8_t u[32], const uint8_t scalar[32]) {
    outpost_curve25519_multiply(u, scalar, base_point);
}

void outpost_curve25519_dirty_public_key(uint8_t u[32], const uint8_t scalar[32]) {
    uint8_t sum[32];
    clamp(sum, scalar);
    uint64_t k = scalar[0] & 7;
    // a + k L is below 2^255 + 7 (2^252 + 2^125), so it has 256 bits.
    field_wide carry = 0;
    for (int i = 0; i < 4; i++) {
        carry += (field_wide)group_order[i] * k + field_load(sum + 8 * i);
        field_store(sum + 8 * i, (uint64_t)carry);
        carry >>= 64;
    }
    ladder_multiply(u, sum, dirty_base_point);
    field_wipe(sum, sizeof sum);
    field_wipe(&k, sizeof k);
    field_wipe(&carry, sizeof carry);
}
