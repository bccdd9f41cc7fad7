// The rounds of the compression function (section 2.2), for words and for vectors of words. Who includes this has
// the arrays `v`, the state, and `m`, the message, and a function `rotate`, to the right.
#ifndef OUTPOST_BLAKE3_ROUNDS_H
#define OUTPOST_BLAKE3_ROUNDS_H

// Four independent quarter-rounds (section 2.2), step by step: so no instruction waits for the one before it.
#define FOUR_G(a0, b0, c0, d0, a1, b1, c1, d1, a2, b2, c2, d2, a3, b3, c3, d3, x0, y0, x1, y1, x2, y2, x3, y3) \
    do { \
        HALF_G(a0, b0, c0, d0, a1, b1, c1, d1, a2, b2, c2, d2, a3, b3, c3, d3, x0, x1, x2, x3, 16, 12); \
        HALF_G(a0, b0, c0, d0, a1, b1, c1, d1, a2, b2, c2, d2, a3, b3, c3, d3, y0, y1, y2, y3, 8, 7); \
    } while (0)
#define HALF_G(a0, b0, c0, d0, a1, b1, c1, d1, a2, b2, c2, d2, a3, b3, c3, d3, x0, x1, x2, x3, r, s) \
    do { \
        v[a0] += m[x0]; v[a1] += m[x1]; v[a2] += m[x2]; v[a3] += m[x3]; \
        v[a0] += v[b0]; v[a1] += v[b1]; v[a2] += v[b2]; v[a3] += v[b3]; \
        v[d0] ^= v[a0]; v[d1] ^= v[a1]; v[d2] ^= v[a2]; v[d3] ^= v[a3]; \
        v[d0] = rotate(v[d0], r); v[d1] = rotate(v[d1], r); v[d2] = rotate(v[d2], r); v[d3] = rotate(v[d3], r); \
        v[c0] += v[d0]; v[c1] += v[d1]; v[c2] += v[d2]; v[c3] += v[d3]; \
        v[b0] ^= v[c0]; v[b1] ^= v[c1]; v[b2] ^= v[c2]; v[b3] ^= v[c3]; \
        v[b0] = rotate(v[b0], s); v[b1] = rotate(v[b1], s); v[b2] = rotate(v[b2], s); v[b3] = rotate(v[b3], s); \
    } while (0)

// The columns, then the diagonals. The arguments are the order of the message words.
#define ROUND(p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p15) \
    do { \
        FOUR_G(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15, p0, p1, p2, p3, p4, p5, p6, p7); \
        FOUR_G(0, 5, 10, 15, 1, 6, 11, 12, 2, 7, 8, 13, 3, 4, 9, 14, p8, p9, p10, p11, p12, p13, p14, p15); \
    } while (0)

// The seven rounds; the order of each is that of the one before, permuted. `v` is the state, `m` the message.
#define SEVEN_ROUNDS() \
    do { \
        ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); \
        ROUND(2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8); \
        ROUND(3, 4, 10, 12, 13, 2, 7, 14, 6, 5, 9, 0, 11, 15, 8, 1); \
        ROUND(10, 7, 12, 9, 14, 3, 13, 15, 4, 0, 11, 2, 5, 8, 1, 6); \
        ROUND(12, 13, 9, 11, 15, 10, 14, 8, 7, 2, 5, 3, 0, 1, 6, 4); \
        ROUND(9, 14, 11, 5, 8, 12, 15, 1, 13, 3, 0, 10, 2, 6, 4, 7); \
        ROUND(11, 15, 5, 0, 1, 9, 8, 6, 14, 10, 2, 12, 3, 4, 7, 13); \
    } while (0)

#endif
