// BLAKE3 (github.com/BLAKE3-team/BLAKE3-specs, version 20211102): hash, keyed hash and key derivation, with the values
// of subtrees. Written in C for its vector kernels. No call allocates.
#ifndef OUTPOST_BLAKE3_H
#define OUTPOST_BLAKE3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    // Bytes of a chaining value and of a usual digest.
    OUTPOST_BLAKE3_VALUE_BYTES = 32,
    OUTPOST_BLAKE3_KEY_BYTES = 32,
    // A leaf of the tree.
    OUTPOST_BLAKE3_CHUNK_BYTES = 1024,
    // A subtree of 256 chunks.
    OUTPOST_BLAKE3_PIECE_BYTES = 256 * OUTPOST_BLAKE3_CHUNK_BYTES,
    // Bytes of a message of outpost_blake3_keyed_many.
    OUTPOST_BLAKE3_SHORT_BYTES = 16,
    // Levels of a tree of 2^64 bytes.
    OUTPOST_BLAKE3_MAXIMUM_DEPTH = 54,
};

// A hash that is given its input in parts. Plain memory: it may be copied, and has no other resources. The fields are
// the library's own.
struct outpost_blake3_hasher {
    uint32_t key[8];
    uint32_t value[8]; // after the compressed blocks of the current chunk
    uint64_t chunk;    // the number of the current chunk
    uint32_t flags;
    uint8_t blocks; // compressed blocks of the current chunk
    uint8_t block_length;
    uint8_t depth; // values in `stack`
    uint8_t block[64];
    // Values of subtrees, the largest first. Those of equal size are merged when more input comes, because the last
    // merge is the root.
    uint8_t stack[(OUTPOST_BLAKE3_MAXIMUM_DEPTH + 1) * OUTPOST_BLAKE3_VALUE_BYTES];
};

void outpost_blake3_start(struct outpost_blake3_hasher *_Nonnull hasher);
void outpost_blake3_start_keyed(struct outpost_blake3_hasher *_Nonnull hasher, const void *_Nonnull key);
// Derives keys: the input is key material. The context says what for; it is a constant of the program, and no other
// program has the same.
void outpost_blake3_start_derivation(struct outpost_blake3_hasher *_Nonnull hasher, const void *_Nonnull context,
                                     size_t length);
void outpost_blake3_update(struct outpost_blake3_hasher *_Nonnull hasher, const void *_Nullable input,
                           size_t length);
// The output from byte `position`, in any length. The state stays as it is: more calls and more input may follow.
void outpost_blake3_finish(const struct outpost_blake3_hasher *_Nonnull hasher, uint64_t position,
                           void *_Nullable output, size_t length);
// Overwrites the state with zeros. What the calls before it left in registers and on the stack is not overwritten.
void outpost_blake3_wipe(struct outpost_blake3_hasher *_Nonnull hasher);

// The digests of whole inputs, of VALUE_BYTES.
void outpost_blake3_hash(const void *_Nullable input, size_t length, void *_Nonnull output);
void outpost_blake3_keyed_hash(const void *_Nonnull key, const void *_Nullable input, size_t length,
                               void *_Nonnull output);

// The first `output_length` bytes (at most VALUE_BYTES) of the keyed hashes of `count` messages of SHORT_BYTES, several
// at once. Inputs and outputs each follow one another without a gap.
void outpost_blake3_keyed_many(const void *_Nonnull key, const void *_Nullable inputs, size_t count,
                               void *_Nullable outputs, size_t output_length);

// The chaining value of a subtree whose first byte is that of chunk number `chunk`; with `root` also the digest that it
// has if it is the whole input.
//
// The bytes must be a subtree: `chunk` is a multiple of the smallest power of two that is not below the number of
// chunks, and a number of chunks that is no power of two ends the input. An empty subtree is the whole input.
void outpost_blake3_subtree(const void *_Nullable input, size_t length, uint64_t chunk, void *_Nonnull value,
                            void *_Nullable root);
// The chaining value of the subtree that has these two, or the digest if it is the root.
void outpost_blake3_parent(const void *_Nonnull left, const void *_Nonnull right, bool is_root,
                           void *_Nonnull output);

// The implementations of the compression function. All give the same.
enum {
    OUTPOST_BLAKE3_PORTABLE,
    OUTPOST_BLAKE3_SSE41,
    OUTPOST_BLAKE3_AVX2,
    OUTPOST_BLAKE3_AVX512,
    OUTPOST_BLAKE3_NEON,
    OUTPOST_BLAKE3_KERNEL_COUNT,
};

// Whether this processor and system have what the kernel needs.
bool outpost_blake3_supports(int kernel);
// The kernel of this process; the fastest one, found with the first call, unless a test or benchmark has set another.
int outpost_blake3_kernel(void);
// Sets the kernel for all threads. False if it is not supported.
bool outpost_blake3_set_kernel(int kernel);

#endif
