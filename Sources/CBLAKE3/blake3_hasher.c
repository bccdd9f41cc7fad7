// Inputs that come in parts.
#include "blake3_internal.h"

static void start(struct outpost_blake3_hasher *hasher, const uint32_t key[8], uint32_t flags) {
    memset(hasher, 0, sizeof *hasher);
    memcpy(hasher->key, key, sizeof hasher->key);
    memcpy(hasher->value, key, sizeof hasher->value);
    hasher->flags = flags;
}

void outpost_blake3_start(struct outpost_blake3_hasher *hasher) { start(hasher, outpost_blake3_iv, 0); }

void outpost_blake3_start_keyed(struct outpost_blake3_hasher *hasher, const void *key) {
    uint32_t words[8];
    memcpy(words, key, sizeof words);
    start(hasher, words, KEYED_HASH);
    wipe(words, sizeof words);
}

void outpost_blake3_start_derivation(struct outpost_blake3_hasher *hasher, const void *context, size_t length) {
    struct blake3_node node =
        outpost_blake3_subtree_node(context, length, 0, outpost_blake3_iv, DERIVE_KEY_CONTEXT);
    uint8_t context_key[VALUE_BYTES];
    outpost_blake3_node_root(&node, 0, context_key, sizeof context_key);
    uint32_t words[8];
    memcpy(words, context_key, sizeof words);
    start(hasher, words, DERIVE_KEY_MATERIAL);
}

// Merges the subtrees before this chunk, which are not the whole input: they form one complete subtree for each binary
// one of its number.
static void merge(struct outpost_blake3_hasher *hasher, uint64_t chunk) {
    int subtrees = __builtin_popcountll(chunk);
    while (hasher->depth > subtrees) {
        uint8_t *left = hasher->stack + VALUE_BYTES * ((size_t)hasher->depth - 2);
        struct blake3_node node = outpost_blake3_parent_node(hasher->key, left, left + VALUE_BYTES, hasher->flags);
        outpost_blake3_node_value(&node, left);
        hasher->depth -= 1;
    }
}

// Adds the value of the next subtree, whose first chunk has this number.
static void push(struct outpost_blake3_hasher *hasher, const uint8_t value[VALUE_BYTES], uint64_t chunk) {
    merge(hasher, chunk);
    memcpy(hasher->stack + VALUE_BYTES * (size_t)hasher->depth, value, VALUE_BYTES);
    hasher->depth += 1;
}

static size_t bytes_of_chunk(const struct outpost_blake3_hasher *hasher) {
    return (size_t)BLOCK_BYTES * hasher->blocks + hasher->block_length;
}

static struct blake3_node chunk_node(const struct outpost_blake3_hasher *hasher) {
    return outpost_blake3_chunk_node(hasher->value, hasher->blocks, hasher->block, hasher->block_length,
                                     hasher->chunk, hasher->flags);
}

// Adds at most what completes the current chunk. Its last block stays, because it has other flags.
static void update_chunk(struct outpost_blake3_hasher *hasher, const uint8_t *input, size_t length) {
    const struct blake3_kernel *kernel = outpost_blake3_current();
    while (length > 0) {
        if (hasher->block_length == BLOCK_BYTES) {
            kernel->chain(hasher->value, hasher->block, 1, hasher->chunk, hasher->flags,
                          hasher->blocks == 0 ? CHUNK_START : 0);
            hasher->blocks += 1;
            hasher->block_length = 0;
        }
        if (hasher->block_length == 0 && length > BLOCK_BYTES) {
            size_t count = (length - 1) / BLOCK_BYTES;
            kernel->chain(hasher->value, input, count, hasher->chunk, hasher->flags,
                          hasher->blocks == 0 ? CHUNK_START : 0);
            hasher->blocks = (uint8_t)(hasher->blocks + count);
            input += BLOCK_BYTES * count;
            length -= BLOCK_BYTES * count;
        }
        size_t count = BLOCK_BYTES - (size_t)hasher->block_length;
        if (count > length) count = length;
        memcpy(hasher->block + hasher->block_length, input, count);
        hasher->block_length = (uint8_t)(hasher->block_length + count);
        input += count;
        length -= count;
    }
}

// Ends the current chunk.
static void next_chunk(struct outpost_blake3_hasher *hasher) {
    struct blake3_node node = chunk_node(hasher);
    uint8_t value[VALUE_BYTES];
    outpost_blake3_node_value(&node, value);
    push(hasher, value, hasher->chunk);
    hasher->chunk += 1;
    hasher->blocks = 0;
    hasher->block_length = 0;
    memcpy(hasher->value, hasher->key, sizeof hasher->value);
}

void outpost_blake3_update(struct outpost_blake3_hasher *hasher, const void *bytes, size_t length) {
    const uint8_t *input = bytes;
    size_t present = bytes_of_chunk(hasher);
    if (present > 0) {
        size_t count = CHUNK_BYTES - present;
        if (count > length) count = length;
        update_chunk(hasher, input, count);
        input += count;
        length -= count;
        if (length == 0) return;
        next_chunk(hasher);
    }
    // More than a chunk, so that the last one stays open: it may be the root.
    while (length > CHUNK_BYTES) {
        size_t count = BATCH_CHUNKS;
        // A subtree starts at a multiple of its length.
        while (count > length / CHUNK_BYTES || (hasher->chunk & (count - 1)) != 0) count /= 2;
        size_t bytes = CHUNK_BYTES * count;
        struct blake3_node node =
            outpost_blake3_subtree_node(input, bytes, hasher->chunk, hasher->key, hasher->flags);
        if (count == 1) {
            uint8_t value[VALUE_BYTES];
            outpost_blake3_node_value(&node, value);
            push(hasher, value, hasher->chunk);
        } else {
            // Its two halves, because the node may be the root.
            push(hasher, node.block, hasher->chunk);
            push(hasher, node.block + VALUE_BYTES, hasher->chunk + count / 2);
        }
        hasher->chunk += count;
        input += bytes;
        length -= bytes;
    }
    if (length > 0) {
        update_chunk(hasher, input, length);
        merge(hasher, hasher->chunk);
    }
}

void outpost_blake3_finish(const struct outpost_blake3_hasher *hasher, uint64_t position, void *output,
                           size_t length) {
    size_t depth = hasher->depth;
    struct blake3_node node;
    if (depth == 0 || bytes_of_chunk(hasher) > 0) {
        node = chunk_node(hasher);
    } else {
        // The input ended with a subtree of several chunks, which left two values.
        depth -= 2;
        const uint8_t *left = hasher->stack + VALUE_BYTES * depth;
        node = outpost_blake3_parent_node(hasher->key, left, left + VALUE_BYTES, hasher->flags);
    }
    while (depth > 0) {
        depth -= 1;
        uint8_t value[VALUE_BYTES];
        outpost_blake3_node_value(&node, value);
        node = outpost_blake3_parent_node(hasher->key, hasher->stack + VALUE_BYTES * depth, value, hasher->flags);
    }
    outpost_blake3_node_root(&node, position, output, length);
    wipe(&node, sizeof node);
}

void outpost_blake3_wipe(struct outpost_blake3_hasher *hasher) { wipe(hasher, sizeof *hasher); }
