"""Packets and compressed payloads (Docs/NETWORK-PROTOCOL.md, Packets and Compression)."""
import struct

import lz4.block
import zstandard

MAGIC = bytes.fromhex("deadbeef")
VERSION = 1
LZ4, ZSTANDARD, ENCRYPTED = 1, 2, 4
HEADER_LENGTH = 10
LONGEST = 16 << 20


class WrongPacket(Exception):
    pass


def header(flags, length):
    return MAGIC + bytes([VERSION, flags]) + struct.pack(">I", length)


def read_header(data):
    """Flags and length of the payload."""
    if data[:4] != MAGIC or data[4] != VERSION:
        raise WrongPacket(f"no packet begins with {data.hex()}")
    flags, (length,) = data[5], struct.unpack(">I", data[6:10])
    if flags & ~7 or flags & 3 == 3:
        raise WrongPacket(f"flags {flags:#x}")
    if length > LONGEST:
        raise WrongPacket(f"a payload of {length} bytes")
    return flags, length


def compress(flag, payload):
    if flag == LZ4:
        return struct.pack("<I", len(payload)) + lz4.block.compress(payload, store_size=False)
    return zstandard.ZstdCompressor(write_content_size=True).compress(payload)


def decompress(flags, data):
    if flags & LZ4:
        (size,) = struct.unpack("<I", data[:4])
        if size > LONGEST:
            raise WrongPacket(f"it claims {size} bytes")
        return lz4.block.decompress(data[4:], uncompressed_size=size)
    if flags & ZSTANDARD:
        size = zstandard.frame_content_size(data)
        if not 0 <= size <= LONGEST:
            raise WrongPacket(f"it claims {size} bytes")
        return zstandard.ZstdDecompressor().decompress(data)
    return data
