#!/usr/bin/env python3
"""Makes what a receiver leaves of a file whose last chunk did not arrive: a part and its journal.

    part.py FILE PART JOURNAL

Written from the description of the journal in `ChunkJournal.swift`, with another implementation of BLAKE3's tree.
"""
import os
import struct
import sys

CHUNK = 262144
IV = [0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19]
ORDER = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8]
START, END, PARENT, ROOT = 1, 2, 4, 8


def compress(value, block, counter, length, flags):
    words = list(struct.unpack("<16I", block.ljust(64, b"\0")))
    state = value + IV[:4] + [counter & 0xFFFFFFFF, counter >> 32, length, flags]

    def mix(a, b, c, d, x, y):
        for word, (first, second) in ((x, (16, 12)), (y, (8, 7))):
            state[a] = (state[a] + state[b] + word) & 0xFFFFFFFF
            turned = state[d] ^ state[a]
            state[d] = (turned >> first | turned << 32 - first) & 0xFFFFFFFF
            state[c] = (state[c] + state[d]) & 0xFFFFFFFF
            turned = state[b] ^ state[c]
            state[b] = (turned >> second | turned << 32 - second) & 0xFFFFFFFF

    for _ in range(7):
        for index in range(4):
            mix(index, index + 4, index + 8, index + 12, words[2 * index], words[2 * index + 1])
        for index in range(4):
            mix(index, (index + 1) % 4 + 4, (index + 2) % 4 + 8, (index + 3) % 4 + 12, words[8 + 2 * index], words[9 + 2 * index])
        words = [words[place] for place in ORDER]
    return [state[index] ^ state[index + 8] for index in range(8)]


def leaf(data, number, root=0):
    value = IV
    blocks = [data[start : start + 64] for start in range(0, len(data), 64)] or [b""]
    for index, block in enumerate(blocks):
        flags = (START if index == 0 else 0) | (END | root if index == len(blocks) - 1 else 0)
        value = compress(value, block, number, len(block), flags)
    return value


def tree(data, first, root=0):
    if len(data) <= 1024:
        return leaf(data, first, root)
    size = 1024
    while size * 2 < len(data):
        size *= 2
    left, right = tree(data[:size], first), tree(data[size:], first + size // 1024)
    return compress(IV, struct.pack("<16I", *left, *right), 0, 64, PARENT | root)


def check(data):
    return struct.pack("<8I", *tree(data, 0, ROOT))[:8]


def main():
    source, part, journal = sys.argv[1:]
    data = open(source, "rb").read()
    last = (len(data) - 1) // CHUNK
    with open(part, "wb") as file:
        file.write(data[: last * CHUNK])
        file.truncate(len(data))
    os.chmod(part, 0o600)
    status = os.stat(part)
    boot = bytes.fromhex(open("/proc/sys/kernel/random/boot_id").read().strip().replace("-", ""))
    head = b"courier1" + boot + struct.pack("<QQQ", status.st_dev, status.st_ino, len(data)) + bytes(24)
    with open(journal, "wb") as file:
        file.write(head + check(head))
        for chunk in range(last):
            value = struct.pack("<8I", *tree(data[chunk * CHUNK : (chunk + 1) * CHUNK], chunk * 256))
            record = struct.pack("<Q", chunk) + value
            file.write(record + check(record))


main()
