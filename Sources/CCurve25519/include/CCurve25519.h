// Curve25519 (RFC 7748) and its Elligator2 map (RFC 9380, section 6.7.1), in time that does not depend on any input.
//
// Every pointer is to 32 bytes, little-endian. Bit 255 of a field element is ignored, and numbers from p = 2^255 - 19
// on stand for their residue; results are canonical.
#ifndef OUTPOST_CURVE25519_H
#define OUTPOST_CURVE25519_H

#include <stdint.h>

// X25519: the u-coordinate of the clamped scalar times the point `u`. Returns 1, or 0 if the result is zero, which is
// so exactly when the point has low order.
int outpost_curve25519_multiply(
    uint8_t *_Nonnull result, const uint8_t *_Nonnull scalar, const uint8_t *_Nonnull u
);

// The public key of `scalar`: X25519 with the base point, u = 9.
void outpost_curve25519_public_key(uint8_t *_Nonnull u, const uint8_t *_Nonnull scalar);

// The public key of `scalar` plus a point of low order, which the three lowest bits of `scalar` choose among all eight;
// X25519 ignores these bits. x25519.c has the mathematics.
void outpost_curve25519_dirty_public_key(uint8_t *_Nonnull u, const uint8_t *_Nonnull scalar);

// Elligator2 with the non-square 2: the u-coordinate of the point to which the field element `r` is mapped. It is
// always on the curve, never on its twist.
void outpost_elligator2_map(uint8_t *_Nonnull u, const uint8_t *_Nonnull r);

// The inverse: the smaller of the two numbers, r and p - r, that the map takes to `u`. It has at most 254 bits. A point
// has such numbers in two branches; the lowest bit of `branch` chooses one. Returns 1; returns 0, and writes zeros, if
// `u` has none. `u` must be on the curve: a point of the twist may yield a number that maps elsewhere.
int outpost_elligator2_inverse(uint8_t *_Nonnull r, const uint8_t *_Nonnull u, uint8_t branch);

#endif
