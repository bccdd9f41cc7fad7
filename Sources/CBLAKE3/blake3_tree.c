// The tree (section 2.1): nodes, subtrees, and inputs that are whole in memory.
#include "blake3_internal.h"

const uint32_t outpost_blake3_iv[8] = {
    BLAKE3_IV_0, BLAKE3_IV_1, BLAKE3_IV_2, BLAKE3_IV_3, BLAKE3_IV_4, BLAKE3_IV_5, BLAKE3_IV_6, BLAKE3_IV_7,
};

struct blake3_node outpost_blake3_chunk_node(const uint32_t value[8], size_t blocks, const uint8_t *rest,
                                             size_t length, uint64_t chunk, uint32_t flags) {
    struct blake3_node node = {
        .counter = chunk,
        .block_length = (uint32_t)length,
        .flags = flags | CHUNK_END | (blocks == 0 ? CHUNK_START : 0),
    };
    memcpy(node.value, value, sizeof node.value);
    // An empty input may have no pointer.
    if (length > 0) memcpy(node.block, rest, length);
    return node;
}

struct blake3_node outpost_blake3_parent_node(const uint32_t key[8], const uint8_t *left, const uint8_t *right,
                                              uint32_t flags) {
    struct blake3_node node = {.block_length = BLOCK_BYTES, .flags = flags | PARENT};
    memcpy(node.value, key, sizeof node.value);
    memcpy(node.block, left, VALUE_BYTES);
    memcpy(node.block + VALUE_BYTES, right, VALUE_BYTES);
    return node;
}

void outpost_blake3_node_value(const struct blake3_node *node, uint8_t output[VALUE_BYTES]) {
    uint8_t bytes[BLOCK_BYTES];
    outpost_blake3_current()->compress(node->value, node->block, node->block_length, node->counter, node->flags,
                                       bytes);
    memcpy(output, bytes, VALUE_BYTES);
}

void outpost_blake3_node_root(const struct blake3_node *node, uint64_t position, uint8_t *output, size_t length) {
    const struct blake3_kernel *kernel = outpost_blake3_current();
    size_t skipped = (size_t)(position % BLOCK_BYTES);
    // The counter of a root numbers the blocks of its output.
    for (uint64_t block = position / BLOCK_BYTES; length > 0; block++) {
        uint8_t bytes[BLOCK_BYTES];
        kernel->compress(node->value, node->block, node->block_length, block, node->flags | ROOT, bytes);
        size_t count = BLOCK_BYTES - skipped;
        if (count > length) count = length;
        memcpy(output, bytes + skipped, count);
        output += count;
        length -= count;
        skipped = 0;
    }
}

// The node of one chunk of 0 to CHUNK_BYTES bytes.
static struct blake3_node whole_chunk_node(const uint8_t *input, size_t length, uint64_t chunk,
                                           const uint32_t key[8], uint32_t flags) {
    // The last block is not empty, unless the chunk is.
    size_t blocks = length == 0 ? 0 : (length - 1) / BLOCK_BYTES;
    uint32_t value[8];
    memcpy(value, key, sizeof value);
    if (blocks > 0) outpost_blake3_current()->chain(value, input, blocks, chunk, flags, CHUNK_START);
    size_t done = BLOCK_BYTES * blocks;
    return outpost_blake3_chunk_node(value, blocks, done < length ? input + done : input, length - done, chunk, flags);
}

// The chaining values of more than one and at most BATCH_CHUNKS chunks, reduced to two.
static void reduce_batch(const uint8_t *input, size_t length, uint64_t chunk, const uint32_t key[8], uint32_t flags,
                         uint8_t output[PARENT_BYTES]) {
    const struct blake3_kernel *kernel = outpost_blake3_current();
    uint8_t values[BATCH_CHUNKS * VALUE_BYTES];
    size_t count = (length + CHUNK_BYTES - 1) / CHUNK_BYTES;
    size_t whole = length / CHUNK_BYTES;
    struct blake3_batch chunks = {
        .input = input,
        .stride = CHUNK_BYTES,
        .count = whole,
        .blocks = CHUNK_BLOCKS,
        .key = key,
        .counter = chunk,
        .increment = 1,
        .block_length = BLOCK_BYTES,
        .flags = flags,
        .start_flags = CHUNK_START,
        .end_flags = CHUNK_END,
    };
    kernel->hash_many(&chunks, values);
    if (whole < count) {
        size_t start = CHUNK_BYTES * whole;
        struct blake3_node last = whole_chunk_node(input + start, length - start, chunk + whole, key, flags);
        outpost_blake3_node_value(&last, values + VALUE_BYTES * whole);
    }
    while (count > 2) {
        size_t pairs = count / 2;
        struct blake3_batch parents = {
            .input = values,
            .stride = PARENT_BYTES,
            .count = pairs,
            .blocks = 1,
            .key = key,
            .block_length = BLOCK_BYTES,
            .flags = flags | PARENT,
        };
        kernel->hash_many(&parents, values);
        // One without a neighbor goes up as it is: that gives the tree's shape, whose left subtrees are complete.
        if (count % 2 == 1) memmove(values + VALUE_BYTES * pairs, values + VALUE_BYTES * (count - 1), VALUE_BYTES);
        count = pairs + count % 2;
    }
    memcpy(output, values, PARENT_BYTES);
}

struct blake3_node outpost_blake3_subtree_node(const uint8_t *input, size_t length, uint64_t chunk,
                                               const uint32_t key[8], uint32_t flags) {
    if (length <= CHUNK_BYTES) return whole_chunk_node(input, length, chunk, key, flags);
    uint8_t values[PARENT_BYTES];
    if (length <= BATCH_CHUNKS * (size_t)CHUNK_BYTES) {
        reduce_batch(input, length, chunk, key, flags, values);
    } else {
        // The left subtree is the largest complete one that leaves something on the right.
        size_t left = BATCH_CHUNKS * (size_t)CHUNK_BYTES;
        while (left < length - left) left *= 2;
        struct blake3_node node = outpost_blake3_subtree_node(input, left, chunk, key, flags);
        outpost_blake3_node_value(&node, values);
        node = outpost_blake3_subtree_node(input + left, length - left, chunk + left / CHUNK_BYTES, key, flags);
        outpost_blake3_node_value(&node, values + VALUE_BYTES);
    }
    return outpost_blake3_parent_node(key, values, values + VALUE_BYTES, flags);
}

void outpost_blake3_hash(const void *input, size_t length, void *output) {
    struct blake3_node node = outpost_blake3_subtree_node(input, length, 0, outpost_blake3_iv, 0);
    outpost_blake3_node_root(&node, 0, output, VALUE_BYTES);
}

void outpost_blake3_keyed_hash(const void *key, const void *input, size_t length, void *output) {
    uint32_t words[8];
    memcpy(words, key, sizeof words);
    struct blake3_node node = outpost_blake3_subtree_node(input, length, 0, words, KEYED_HASH);
    outpost_blake3_node_root(&node, 0, output, VALUE_BYTES);
    wipe(&node, sizeof node);
    wipe(words, sizeof words);
}

void outpost_blake3_keyed_many(const void *key, const void *inputs, size_t count, void *outputs,
                               size_t output_length) {
    const uint8_t *input = inputs;
    uint8_t *output = outputs;
    // As many as fill the longest vectors.
    enum { GROUP = 16 };
    uint32_t words[8];
    memcpy(words, key, sizeof words);
    uint8_t blocks[GROUP * BLOCK_BYTES] = {0};
    uint8_t values[GROUP * VALUE_BYTES];
    for (size_t done = 0; done < count; done += GROUP) {
        size_t here = count - done < GROUP ? count - done : GROUP;
        for (size_t i = 0; i < here; i++) {
            memcpy(blocks + BLOCK_BYTES * i, input + OUTPOST_BLAKE3_SHORT_BYTES * (done + i),
                   OUTPOST_BLAKE3_SHORT_BYTES);
        }
        struct blake3_batch batch = {
            .input = blocks,
            .stride = BLOCK_BYTES,
            .count = here,
            .blocks = 1,
            .key = words,
            .block_length = OUTPOST_BLAKE3_SHORT_BYTES,
            .flags = KEYED_HASH | CHUNK_START | CHUNK_END | ROOT,
        };
        outpost_blake3_current()->hash_many(&batch, values);
        for (size_t i = 0; i < here; i++) {
            memcpy(output + output_length * (done + i), values + VALUE_BYTES * i, output_length);
        }
    }
    wipe(words, sizeof words);
    wipe(values, sizeof values);
}

void outpost_blake3_subtree(const void *input, size_t length, uint64_t chunk, void *value, void *root) {
    struct blake3_node node = outpost_blake3_subtree_node(input, length, chunk, outpost_blake3_iv, 0);
    outpost_blake3_node_value(&node, value);
    if (root != NULL) outpost_blake3_node_root(&node, 0, root, VALUE_BYTES);
}

void outpost_blake3_parent(const void *left, const void *right, bool is_root, void *output) {
    struct blake3_node node = outpost_blake3_parent_node(outpost_blake3_iv, left, right, is_root ? ROOT : 0);
    outpost_blake3_node_value(&node, output);
}
