#include "CCurve25519.h"

#include "field.h"

// Elligator2 (Bernstein, Hamburg, Krasnova, Lange: "Elligator: elliptic-curve points indistinguishable from uniform
// random strings", 2013, section 5; RFC 9380, section 6.7.1) for the curve v^2 = g(u) = u^3 + A u^2 + u, A = 486662.

#define CURVE_A 486662

static const field curve_a = {{CURVE_A, 0, 0, 0, 0}};

// sqrt(-1) = 2^((p-1)/4), the even one of the two.
static const field root_of_minus_one = {
    {0x61b274a0ea0b0, 0x0d5a5fc8f189d, 0x7ef5e9cbd0c60, 0x78595a6804c9e, 0x2b8324804fc1d}
};

// With d = 1 + 2 r^2, which is never zero because -1/2 is not a square: w = -A / d, and u = w if g(w) is a square, else
// -A - w.
//
// One power gives both the inverse and the character. Multiplied by the square d^4, g(w) is
// d k with k = -A (A^2 (1 - d) + d^2). k is never zero, because A^2 - 4 is not a square, so 1 / d = k / (d k).
void outpost_elligator2_map(uint8_t u[32], const uint8_t r[32]) {
    struct {
        field r, d, k, dk, power, w, other, character;
    } t;
    field_decode(&t.r, r);
    field_square(&t.d, &t.r);
    field_add(&t.d, &t.d, &t.d);
    field_add(&t.d, &t.d, &field_one);
    // A^2 (1 - d) = -2 A^2 r^2
    field_square(&t.other, &t.r);
    field_multiply_small(&t.other, &t.other, 2);
    field_multiply_small(&t.other, &t.other, CURVE_A);
    field_multiply_small(&t.other, &t.other, CURVE_A);
    field_square(&t.k, &t.d);
    field_subtract(&t.k, &t.k, &t.other);
    field_multiply_small(&t.k, &t.k, CURVE_A);
    field_subtract(&t.k, &field_zero, &t.k);
    field_multiply(&t.dk, &t.d, &t.k);
    field_root_power(&t.power, &t.dk);
    field_inverse_from_power(&t.w, &t.dk, &t.power);
    field_multiply(&t.w, &t.w, &t.k);
    field_multiply_small(&t.w, &t.w, CURVE_A);
    // t.w is A / d now, so w is its negative, and -A - w is A / d - A.
    field_subtract(&t.other, &t.w, &curve_a);
    field_subtract(&t.w, &field_zero, &t.w);
    field_character_from_power(&t.character, &t.dk, &t.power);
    uint64_t is_square = field_equal(&t.character, &field_one);
    field_move(&t.other, &t.w, field_choice(is_square));
    field_encode(u, &t.other);
    field_wipe(&t, sizeof t);
}

// Branch 0: r = sqrt(-u / (2 (u + A))), branch 1: r = sqrt(-(u + A) / (2 u)). With t = -2 u (u + A) and s = 1 / sqrt(t),
// these are u s and (u + A) s. They exist if t is a square and u is not -A.
//
// s comes from power = t^((p-5)/8): (t power^2)^2 is the character of t, so for a square t power^2 is 1 or -1, and
// s = power, or power times sqrt(-1).
int outpost_elligator2_inverse(uint8_t r[32], const uint8_t u[32], uint8_t branch) {
    struct {
        field u, sum, t, power, check, character, root, negative, twice;
    } t;
    field_decode(&t.u, u);
    field_add(&t.sum, &t.u, &curve_a);
    field_multiply(&t.t, &t.u, &t.sum);
    field_multiply_small(&t.t, &t.t, 2);
    field_subtract(&t.t, &field_zero, &t.t);
    field_root_power(&t.power, &t.t);
    field_character_from_power(&t.character, &t.t, &t.power);
    // 0, for u = 0 and u = -A, or 1.
    uint64_t is_representable = field_equal(&t.character, &field_one) | field_equal(&t.u, &field_zero);
    field_square(&t.check, &t.power);
    field_multiply(&t.check, &t.check, &t.t);
    field_multiply(&t.root, &t.power, &root_of_minus_one);
    field_subtract(&t.negative, &field_zero, &field_one);
    field_move(&t.power, &t.root, field_choice(field_equal(&t.check, &t.negative)));
    field_move(&t.u, &t.sum, field_choice(branch & 1));
    field_multiply(&t.root, &t.u, &t.power);
    // Of r and p - r the smaller one: r is above (p-1)/2 exactly when 2 r mod p is odd.
    uint8_t doubled[32];
    field_add(&t.twice, &t.root, &t.root);
    field_encode(doubled, &t.twice);
    field_subtract(&t.negative, &field_zero, &t.root);
    field_move(&t.root, &t.negative, field_choice(doubled[0] & 1));
    field_encode(r, &t.root);
    uint8_t mask = (uint8_t)field_choice(is_representable);
    for (int i = 0; i < 32; i++) r[i] &= mask;
    field_wipe(&t, sizeof t);
    field_wipe(doubled, sizeof doubled);
    return (int)is_representable;
}
