// BLAKE2s with a digest of 32 bytes and no key (RFC 7693). It allocates nothing; libcrypto 3.0 allocates for every
// hash, even in a context that is used again. Its time depends on lengths only.
#ifndef OUTPOST_BLAKE2S_H
#define OUTPOST_BLAKE2S_H

#include <stddef.h>
#include <stdint.h>

struct outpost_blake2s {
    uint32_t chain[8];
    uint64_t compressed; // bytes that are in `chain`
    uint32_t held;       // bytes that are in `block`, 64 at most: the last block is compressed in another way
    uint8_t block[64];
};

void outpost_blake2s_start(struct outpost_blake2s *_Nonnull state);

// `bytes` may be null if `count` is zero.
void outpost_blake2s_update(struct outpost_blake2s *_Nonnull state, const uint8_t *_Nullable bytes, size_t count);

// Writes 32 bytes, overwrites what the state holds of the message, and starts anew.
void outpost_blake2s_finish(struct outpost_blake2s *_Nonnull state, uint8_t *_Nonnull digest);

#endif
