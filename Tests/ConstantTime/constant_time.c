// Runs each function of CCurve25519 on bytes that valgrind holds for uninitialized. Memcheck then reports every branch
// and every address that depends on them. scripts/constant-time builds and judges it.
//
//   constant_time multiply|public-key|dirty|map|inverse|control-branch|control-address

#include <stdio.h>
#include <string.h>
#include <valgrind/memcheck.h>

#include "CCurve25519.h"

// Controls: what must be reported.
static volatile uint8_t table[256];

static void control_branch(uint8_t *result, const uint8_t *secret) {
    for (int i = 0; i < 32; i++) {
        // Calls, so that no compiler makes a selection of it.
        if (secret[i] & 1) memcpy(result, secret, 32);
    }
}

static void control_address(uint8_t *result, const uint8_t *secret) {
    for (int i = 0; i < 32; i++) result[i] = table[secret[i]];
}

int main(int count, char **arguments) {
    uint8_t secret[32], other[32], result[32] = {0};
    for (int i = 0; i < 32; i++) {
        secret[i] = (uint8_t)(7 * i + 3);
        other[i] = (uint8_t)(11 * i + 9);
    }
    uint8_t bits = 1;
    int found = 0;
    const char *name = count == 2 ? arguments[1] : "";
    (void)VALGRIND_MAKE_MEM_UNDEFINED(secret, sizeof secret);
    (void)VALGRIND_MAKE_MEM_UNDEFINED(other, sizeof other);
    (void)VALGRIND_MAKE_MEM_UNDEFINED(&bits, sizeof bits);
    if (strcmp(name, "multiply") == 0) found = outpost_curve25519_multiply(result, secret, other);
    else if (strcmp(name, "public-key") == 0) outpost_curve25519_public_key(result, secret);
    else if (strcmp(name, "dirty") == 0) outpost_curve25519_dirty_public_key(result, secret);
    else if (strcmp(name, "map") == 0) outpost_elligator2_map(result, secret);
    else if (strcmp(name, "inverse") == 0) found = outpost_elligator2_inverse(result, secret, bits);
    else if (strcmp(name, "control-branch") == 0) control_branch(result, secret);
    else if (strcmp(name, "control-address") == 0) control_address(result, secret);
    else return 2;
    // Otherwise nothing depended on the secret, and the check would pass in vain.
    if (VALGRIND_CHECK_MEM_IS_DEFINED(result, sizeof result) == 0) return 3;
    (void)VALGRIND_MAKE_MEM_DEFINED(result, sizeof result);
    (void)VALGRIND_MAKE_MEM_DEFINED(&found, sizeof found);
    for (int i = 0; i < 32; i++) printf("%02x", result[i]);
    printf(" %d\n", found);
    return 0;
}
