// What tests compute with the field arithmetic of CCurve25519, whose header is private, and another thing that takes
// C. Every pointer is to 32 bytes, little-endian.
#ifndef OUTPOST_FIELD_PROBE_H
#define OUTPOST_FIELD_PROBE_H

#include <stdint.h>

enum outpost_field_operation {
    OUTPOST_FIELD_ADD,
    OUTPOST_FIELD_SUBTRACT,
    OUTPOST_FIELD_MULTIPLY,
    OUTPOST_FIELD_SQUARE,         // of the first operand, as all below
    OUTPOST_FIELD_INVERT,
    OUTPOST_FIELD_ROOT_POWER,     // to the power of (p - 5) / 8
    OUTPOST_FIELD_CHARACTER,      // to the power of (p - 1) / 2
    OUTPOST_FIELD_MULTIPLY_SMALL, // by 486662
    OUTPOST_FIELD_MULTIPLY_LOOSE, // (a + b - a) (a - b + a): the largest limbs that products take
};

void outpost_field_compute(
    enum outpost_field_operation operation, uint8_t *_Nonnull result, const uint8_t *_Nonnull a,
    const uint8_t *_Nonnull b
);

// The order of the part of low order, 1, 2, 4 or 8, of the point `u` of the curve. Takes its time from `u`.
int outpost_low_order_part(const uint8_t *_Nonnull u);

// Whether the map takes the field element `r` to w = -486662 / (1 + 2 r^2), rather than to -486662 - w.
int outpost_elligator2_branch(const uint8_t *_Nonnull r);

// Whether `u` belongs to a point of the curve, rather than of its twist.
int outpost_is_on_curve(const uint8_t *_Nonnull u);

// Overwrites what finished calls have left in 64 KiB of the stack.
void outpost_overwrite_dead_stack(void);

#endif
