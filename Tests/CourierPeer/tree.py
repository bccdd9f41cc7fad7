"""BLAKE3's tree, for chaining values of subtrees, which PyPI's blake3 does not give.

Many compressions run at once: one word of all of them is one of Python's integers, with a lane of 64 bits for each.
The upper half of a lane is room for carries and rotations.
"""

from array import array

CHUNK = 262_144  # the protocol's chunk
LEAF = 1024  # BLAKE3's chunk
START, END, PARENT, ROOT = 1, 2, 4, 8
IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
ORDER = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
MIXES = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
         (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))  # fmt: skip


def ones(lanes: int) -> int:
    return int.from_bytes(b"\1\0\0\0\0\0\0\0" * lanes, "little")


def lane_word(words, start: int, stride: int) -> int:
    return int.from_bytes(array("Q", words[start::stride]).tobytes(), "little")


def compress(values: list[int], block: list[int], counter: int, length: int, flags: int, lanes: int) -> list[int]:
    """The chaining values of all lanes. The counter is in lanes; length and flags are the same in all."""
    one = ones(lanes)
    mask = one * 0xFFFFFFFF
    v = [*values, *(word * one for word in IV[:4]), counter & mask, counter >> 32 & mask, length * one, flags * one]

    def turned(x: int, count: int) -> int:
        return ((x | x << 32) >> count) & mask

    for _ in range(7):
        for index, (a, b, c, d) in enumerate(MIXES):
            for word, first, second in ((block[2 * index], 16, 12), (block[2 * index + 1], 8, 7)):
                v[a] = (v[a] + v[b] + word) & mask
                v[d] = turned(v[d] ^ v[a], first)
                v[c] = (v[c] + v[d]) & mask
                v[b] = turned(v[b] ^ v[c], second)
        block = [block[place] for place in ORDER]
    return [v[place] ^ v[place + 8] for place in range(8)]


def split(values: list[int], lanes: int) -> list[bytes]:
    """One chaining value of 32 bytes for each lane."""
    rows = [array("Q", word.to_bytes(8 * lanes, "little")) for word in values]
    return [array("I", (row[lane] for row in rows)).tobytes() for lane in range(lanes)]


def leaves(data: bytes, first: int, root: int) -> list[bytes]:
    """Chaining values of BLAKE3's chunks of the data, numbered from first on."""
    full = len(data) // LEAF
    result = []
    # The full ones side by side, then the rest of the data, which is shorter.
    for part, lanes in ((data[: full * LEAF], full), (data[full * LEAF :], 1)):
        if not part and (lanes == 0 or full > 0):
            continue
        size = len(part) // lanes
        count = max(1, -(-size // 64))
        words = memoryview(part.ljust(lanes * count * 64, b"\0")).cast("I")
        counter = int.from_bytes(array("Q", range(first, first + lanes)).tobytes(), "little")
        values = [word * ones(lanes) for word in IV]
        for index in range(count):
            last = index == count - 1
            flags = START * (index == 0) | END * last | root * last
            block = [lane_word(words, 16 * index + place, 16 * count) for place in range(16)]
            values = compress(values, block, counter, size - 64 * index if last else 64, flags, lanes)
        result += split(values, lanes)
        first += lanes
    return result


def fold(values: list[bytes], root: bool) -> bytes:
    """Pairs, level by level; an odd one goes up as it is, which makes every left subtree a full one."""
    while len(values) > 1:
        pairs = len(values) // 2
        words = memoryview(b"".join(values[: 2 * pairs])).cast("I")
        block = [lane_word(words, place, 16) for place in range(16)]
        flags = PARENT | ROOT * (root and len(values) == 2)
        parents = compress([word * ones(pairs) for word in IV], block, 0, 64, flags, pairs)
        values = split(parents, pairs) + values[2 * pairs :]
    return values[0]


def digest(data: bytes) -> bytes:
    return fold(leaves(data, 0, ROOT if len(data) <= LEAF else 0), root=True)


def chunk_values(data: bytes) -> list[bytes]:
    """One value for each of the protocol's chunks of a file; of a file of one chunk its root."""
    if len(data) <= CHUNK:
        return [digest(data)]
    starts = range(0, len(data), CHUNK)
    return [fold(leaves(data[start : start + CHUNK], start // LEAF, 0), root=False) for start in starts]


def root_of(values: list[bytes]) -> bytes:
    return values[0] if len(values) == 1 else fold(values, root=True)
