#include "CFieldProbe.h"

#include "../../Sources/CCurve25519/field.h"

#define CURVE_A 486662

static const field curve_a = {{CURVE_A, 0, 0, 0, 0}};

static void power_of(field *out, const field *x, int is_character) {
    field power;
    field_root_power(&power, x);
    if (is_character) field_character_from_power(out, x, &power);
    else *out = power;
}

void outpost_field_compute(
    enum outpost_field_operation operation, uint8_t *result, const uint8_t *first, const uint8_t *second
) {
    field a, b, out, sum, difference;
    field_decode(&a, first);
    field_decode(&b, second);
    switch (operation) {
    case OUTPOST_FIELD_ADD: field_add(&out, &a, &b); break;
    case OUTPOST_FIELD_SUBTRACT: field_subtract(&out, &a, &b); break;
    case OUTPOST_FIELD_MULTIPLY: field_multiply(&out, &a, &b); break;
    case OUTPOST_FIELD_SQUARE: field_square(&out, &a); break;
    case OUTPOST_FIELD_INVERT: field_invert(&out, &a); break;
    case OUTPOST_FIELD_ROOT_POWER: power_of(&out, &a, 0); break;
    case OUTPOST_FIELD_CHARACTER: power_of(&out, &a, 1); break;
    case OUTPOST_FIELD_MULTIPLY_SMALL: field_multiply_small(&out, &a, CURVE_A); break;
    case OUTPOST_FIELD_MULTIPLY_LOOSE:
        field_add(&sum, &a, &b);
        field_subtract(&sum, &sum, &a);
        field_subtract(&difference, &a, &b);
        field_add(&difference, &difference, &a);
        field_multiply(&out, &sum, &difference);
        break;
    }
    field_encode(result, &out);
}

static int is_zero(const field *x) { return (int)field_equal(x, &field_zero); }

// L, from bit 252 down to bit 0, by the formulas of RFC 7748, section 5, without its care for secrets.
int outpost_low_order_part(const uint8_t *u) {
    static const uint64_t order[4] = {0x5812631a5cf5d3ed, 0x14def9dea2f79cd6, 0, 0x1000000000000000};
    field x1, x[2] = {field_one}, z[2] = {field_zero, field_one};
    field_decode(&x1, u);
    x[1] = x1;
    for (int position = 252; position >= 0; position--) {
        int bit = order[position / 64] >> (position % 64) & 1;
        field sum, difference, other_sum, other_difference, small;
        // The half that is doubled is the one that the bit names; the other one becomes the sum of both.
        field_add(&sum, &x[bit], &z[bit]);
        field_subtract(&difference, &x[bit], &z[bit]);
        field_add(&other_sum, &x[!bit], &z[!bit]);
        field_subtract(&other_difference, &x[!bit], &z[!bit]);
        field_multiply(&other_sum, &other_sum, &difference);
        field_multiply(&other_difference, &other_difference, &sum);
        field_square(&sum, &sum);
        field_square(&difference, &difference);
        field_add(&x[!bit], &other_difference, &other_sum);
        field_square(&x[!bit], &x[!bit]);
        field_subtract(&z[!bit], &other_difference, &other_sum);
        field_square(&z[!bit], &z[!bit]);
        field_multiply(&z[!bit], &z[!bit], &x1);
        field_multiply(&x[bit], &sum, &difference);
        field_subtract(&other_sum, &sum, &difference);
        field_multiply_small(&small, &other_sum, 121665);
        field_add(&small, &small, &sum);
        field_multiply(&z[bit], &other_sum, &small);
    }
    // The neutral element has z = 0, the point of order 2 has u = 0, those of order 4 u = 1 (u = -1 is on the twist).
    if (is_zero(&z[0])) return 1;
    if (is_zero(&x[0])) return 2;
    return field_equal(&x[0], &z[0]) ? 4 : 8;
}

static int is_square(const field *x) {
    field character;
    power_of(&character, x, 1);
    return is_zero(&character) || field_equal(&character, &field_one);
}

static int has_root(const field *u) {
    field value;
    field_add(&value, u, &curve_a);
    field_multiply(&value, &value, u);
    field_add(&value, &value, &field_one);
    field_multiply(&value, &value, u);
    return is_square(&value);
}

int outpost_is_on_curve(const uint8_t *u) {
    field x;
    field_decode(&x, u);
    return has_root(&x);
}

int outpost_elligator2_branch(const uint8_t *r) {
    field w;
    field_decode(&w, r);
    field_square(&w, &w);
    field_multiply_small(&w, &w, 2);
    field_add(&w, &w, &field_one);
    field_invert(&w, &w);
    field_multiply_small(&w, &w, CURVE_A);
    field_subtract(&w, &field_zero, &w);
    field_multiply(&w, &w, &field_one);
    return has_root(&w);
}

void outpost_overwrite_dead_stack(void) {
    volatile uint8_t stack[1 << 16];
    for (size_t i = 0; i < sizeof stack; i++) stack[i] = (uint8_t)i;
}
