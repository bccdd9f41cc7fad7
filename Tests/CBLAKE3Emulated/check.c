// Compares a kernel with the portable one, and with the official vectors: for processors that run in an emulator.
//
//   check KERNEL VECTORS     the number of the kernel, and BLAKE3Vectors.txt
#include "blake3_internal.h"

#include <stdio.h>
#include <stdlib.h>

enum { LONGEST = 102400, OUTPUT = 131 };

static uint8_t input[LONGEST + 64];
static uint64_t random_state = 1;
static int failures = 0;

static uint64_t next_random(void) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return random_state >> 24;
}

static void expect(bool holds, const char *what, size_t number) {
    if (holds) return;
    failures += 1;
    printf("%s differs: %zu\n", what, number);
}

static void check_vectors(FILE *file) {
    static char line[4096];
    size_t count = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        unsigned long length;
        char text[3][2 * OUTPUT + 1];
        if (sscanf(line, "%lu %262s %262s %262s", &length, text[0], text[1], text[2]) != 4) continue;
        struct outpost_blake3_hasher hashers[3];
        outpost_blake3_start(&hashers[0]);
        outpost_blake3_start_keyed(&hashers[1], "whats the Elvish word for friend");
        const char *context = "BLAKE3 2019-12-27 16:29:52 test vectors context";
        outpost_blake3_start_derivation(&hashers[2], context, strlen(context));
        for (int mode = 0; mode < 3; mode++) {
            uint8_t output[OUTPUT];
            char digits[2 * OUTPUT + 1];
            outpost_blake3_update(&hashers[mode], input, length / 3);
            outpost_blake3_update(&hashers[mode], input + length / 3, length - length / 3);
            outpost_blake3_finish(&hashers[mode], 0, output, OUTPUT);
            for (int i = 0; i < OUTPUT; i++) snprintf(digits + 2 * i, 3, "%02x", output[i]);
            expect(strcmp(digits, text[mode]) == 0, "an official vector", length);
        }
        count += 1;
    }
    expect(count == 35, "the number of vectors", count);
}

static void check_portable(int kernel) {
    uint8_t key[32];
    for (int round = 0; round < 400; round++) {
        for (int i = 0; i < 32; i++) key[i] = (uint8_t)next_random();
        size_t length = round < 200 ? 1024 * (size_t)(round / 3) + (size_t)(round % 3) : next_random() % 70000;
        const uint8_t *start = input + next_random() % 64;
        uint8_t results[2][32 * 50];
        for (int portable = 0; portable < 2; portable++) {
            uint8_t *result = results[portable];
            outpost_blake3_set_kernel(portable ? OUTPOST_BLAKE3_PORTABLE : kernel);
            outpost_blake3_hash(start, length, result);
            outpost_blake3_keyed_hash(key, start, length, result + 32);
            outpost_blake3_subtree(start, length, 0xffffff00 + 256 * (uint64_t)(round % 4), result + 64, result + 96);
            outpost_blake3_keyed_many(key, start, 1 + (size_t)round % 46, result + 128, 32);
        }
        expect(memcmp(results[0], results[1], 128 + 32 * (1 + (size_t)round % 46)) == 0, "the portable kernel", length);
    }
    outpost_blake3_set_kernel(kernel);
}

int main(int count, char **arguments) {
    FILE *file = count == 3 ? fopen(arguments[2], "r") : NULL;
    int kernel = count == 3 ? atoi(arguments[1]) : -1;
    if (file == NULL || !outpost_blake3_set_kernel(kernel)) {
        printf("check KERNEL VECTORS, or the kernel is not supported\n");
        return 2;
    }
    for (size_t i = 0; i < sizeof input; i++) input[i] = (uint8_t)(i % 251);
    check_vectors(file);
    check_portable(kernel);
    printf("kernel %d: %d failures\n", kernel, failures);
    return failures != 0;
}
