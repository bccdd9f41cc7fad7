// What the files of this target share: constants of the BLAKE3 paper (section 2) and the interface of a kernel.
#ifndef OUTPOST_BLAKE3_INTERNAL_H
#define OUTPOST_BLAKE3_INTERNAL_H

#include "outpost_blake3.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the kernels load words as they are in memory: only little-endian processors are supported"
#endif

enum {
    BLOCK_BYTES = 64,
    CHUNK_BYTES = OUTPOST_BLAKE3_CHUNK_BYTES,
    CHUNK_BLOCKS = CHUNK_BYTES / BLOCK_BYTES,
    VALUE_BYTES = OUTPOST_BLAKE3_VALUE_BYTES,
    PARENT_BYTES = 2 * VALUE_BYTES,
    // Chunks whose chaining values are kept at once; they take 8 KiB, a quarter of the L1 cache.
    BATCH_CHUNKS = OUTPOST_BLAKE3_PIECE_BYTES / CHUNK_BYTES,
};

// The domain flags.
enum {
    CHUNK_START = 1 << 0,
    CHUNK_END = 1 << 1,
    PARENT = 1 << 2,
    ROOT = 1 << 3,
    KEYED_HASH = 1 << 4,
    DERIVE_KEY_CONTEXT = 1 << 5,
    DERIVE_KEY_MATERIAL = 1 << 6,
};

#define BLAKE3_IV_0 0x6a09e667u
#define BLAKE3_IV_1 0xbb67ae85u
#define BLAKE3_IV_2 0x3c6ef372u
#define BLAKE3_IV_3 0xa54ff53au
#define BLAKE3_IV_4 0x510e527fu
#define BLAKE3_IV_5 0x9b05688cu
#define BLAKE3_IV_6 0x1f83d9abu
#define BLAKE3_IV_7 0x5be0cd19u

#define ALWAYS_INLINE static inline __attribute__((always_inline))

// Makes the optimizer take a vector as it is. Without this, it merges rotations by whole bytes with the next ones,
// which adds a tenth to the instructions of a round, and reorders sums so that they wait for the last operand twice.
#if defined(KEEP)
// The file that includes this has its own.
#elif defined(__x86_64__)
#define KEEP(vector) __asm__("" : "+v"(vector))
#elif defined(__aarch64__)
#define KEEP(vector) __asm__("" : "+w"(vector))
#endif

// Independent inputs of the same number of blocks: chunks, parents, or short messages.
struct blake3_batch {
    const uint8_t *input;  // of the first
    size_t stride;         // bytes from one input to the next
    size_t count;
    size_t blocks;         // of each
    const uint32_t *key;   // eight words
    uint64_t counter;      // of the first
    uint32_t increment;    // 1: each input has the next counter; 0: all have the same
    uint32_t block_length; // bytes that count in each block; the others are zero
    uint32_t flags;
    uint32_t start_flags;  // also, for the first block of each
    uint32_t end_flags;    // also, for the last block of each
};

// One implementation of the compression function.
struct blake3_kernel {
    // The chaining value after `count` whole blocks of one chunk; `start_flags` also apply to the first of them.
    void (*chain)(uint32_t value[8], const uint8_t *blocks, size_t count, uint64_t counter, uint32_t flags,
                  uint32_t start_flags);
    // All 64 bytes of one compression. The first 32 are the chaining value.
    void (*compress)(const uint32_t value[8], const uint8_t block[BLOCK_BYTES], uint32_t block_length,
                     uint64_t counter, uint32_t flags, uint8_t output[BLOCK_BYTES]);
    // The chaining values of a batch, one after the other. `output` may be the memory of the input, from its start,
    // if the stride is at least VALUE_BYTES.
    void (*hash_many)(const struct blake3_batch *batch, uint8_t *output);
};

extern const struct blake3_kernel outpost_blake3_portable;
#if defined(__x86_64__)
extern const struct blake3_kernel outpost_blake3_sse41;
extern const struct blake3_kernel outpost_blake3_avx2;
extern const struct blake3_kernel outpost_blake3_avx512;
#elif defined(__aarch64__)
extern const struct blake3_kernel outpost_blake3_neon;
#endif

// The kernel of this process.
const struct blake3_kernel *outpost_blake3_current(void);

// The last compression of a chunk or subtree, not yet done: whether it is the root decides its flags.
struct blake3_node {
    uint32_t value[8];
    uint64_t counter;
    uint32_t block_length;
    uint32_t flags;
    uint8_t block[BLOCK_BYTES];
};

// The node of a chunk, whose first `blocks` blocks have given `value`; `rest` are the 0 to 64 bytes after them.
struct blake3_node outpost_blake3_chunk_node(const uint32_t value[8], size_t blocks, const uint8_t *rest,
                                             size_t length, uint64_t chunk, uint32_t flags);
struct blake3_node outpost_blake3_parent_node(const uint32_t key[8], const uint8_t *left, const uint8_t *right,
                                              uint32_t flags);
struct blake3_node outpost_blake3_subtree_node(const uint8_t *input, size_t length, uint64_t chunk,
                                               const uint32_t key[8], uint32_t flags);
// The chaining value.
void outpost_blake3_node_value(const struct blake3_node *node, uint8_t output[VALUE_BYTES]);
// The output from byte `position`, if the node is the root.
void outpost_blake3_node_root(const struct blake3_node *node, uint64_t position, uint8_t *output, size_t length);

extern const uint32_t outpost_blake3_iv[8];

// Overwrites memory in a way that no optimizer removes.
ALWAYS_INLINE void wipe(void *memory, size_t length) {
    memset(memory, 0, length);
    __asm__ volatile("" : : "r"(memory) : "memory");
}

ALWAYS_INLINE uint32_t load_word(const uint8_t *bytes) {
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

#endif
