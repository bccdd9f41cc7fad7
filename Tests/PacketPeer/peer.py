#!/usr/bin/env python3
"""Packets of sections 2 and 3 of Docs/COURIER-PROTOCOL.md, written from that document alone.

Exchanges packets with the program PacketPeer in both directions and both suites, and compares all keys. With
--vectors it prints known answers instead.

    pip install blake3 cryptography
    swift build --product PacketPeer
    python3 Tests/PacketPeer/peer.py .build/debug/PacketPeer
    python3 Tests/PacketPeer/peer.py --vectors
"""

import random
import struct
import subprocess
import sys

from blake3 import blake3
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

XCHACHA, AES_GCM = 1, 2
GENERATION = 1 << 16


def derive(context: str, material: bytes, length: int = 32) -> bytes:
    return blake3(material, derive_key_context=context).digest()[:length]


def keyed(key: bytes, message: bytes) -> bytes:
    return blake3(message, key=key).digest()


def hchacha20(key: bytes, prefix: bytes) -> bytes:
    """draft-irtf-cfrg-xchacha-03, section 2.2."""
    state = list(struct.unpack("<16I", b"expand 32-byte k" + key + prefix))

    def rotate(word: int, count: int) -> int:
        return (word << count | word >> (32 - count)) & 0xFFFFFFFF

    def quarter(a: int, b: int, c: int, d: int) -> None:
        for first, second, third, count in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            state[first] = (state[first] + state[second]) & 0xFFFFFFFF
            state[third] = rotate(state[third] ^ state[first], count)

    for _ in range(10):
        for column in range(4):
            quarter(column, column + 4, column + 8, column + 12)
        for diagonal in range(4):
            quarter(diagonal, 4 + (diagonal + 1) % 4, 8 + (diagonal + 2) % 4, 12 + (diagonal + 3) % 4)
    return struct.pack("<8I", *state[:4], *state[12:])


class Epoch:
    def __init__(self, root: bytes, suite: int, direction: int, epoch: int, base: int):
        m = root + bytes([direction]) + epoch.to_bytes(4, "big")
        self.suite, self.number, self.base = suite, epoch, base
        self.packet_key = derive("courier/1 packet key", m)
        self.header_key = derive("courier/1 header key", m)
        self.prefix = derive("courier/1 nonce prefix", m, 16 if suite == XCHACHA else 4)
        self.ids = [derive("courier/1 connection id", m + bytes([index]), 8) for index in range(8)]
        self.generations = {base: self.packet_key}

    def key(self, number: int) -> bytes:
        generation = number >> 16
        last = max(self.generations)
        # A changed number may be any number of steps away.
        for step in range(last + 1, min(generation, last + 8) + 1):
            self.generations[step] = derive("courier/1 next packet key", self.generations[step - 1])
        return self.generations[generation]

    def cipher(self, number: int):
        """The AEAD and the nonce."""
        counter = number.to_bytes(8, "little")
        if self.suite == AES_GCM:
            return AESGCM(self.key(number)), self.prefix + counter
        # XChaCha20-Poly1305 with the nonce prefix 16 ‖ counter 8.
        return ChaCha20Poly1305(hchacha20(self.key(number), self.prefix)), bytes(4) + counter

    def mask(self, packet: bytes) -> int:
        sample = packet[16:32]
        if self.suite == AES_GCM:
            block = Cipher(AES(self.header_key), ECB()).encryptor().update(sample)
        else:
            block = keyed(self.header_key, sample)
        return int.from_bytes(block[:8], "big")

    def seal(self, number: int, path: int, sealed_part: bytes) -> bytes:
        header = self.ids[path] + number.to_bytes(8, "big")
        aead, nonce = self.cipher(number)
        packet = header + aead.encrypt(nonce, sealed_part, header)
        return packet[:8] + (number ^ self.mask(packet)).to_bytes(8, "big") + packet[16:]

    def open(self, packet: bytes):
        """Number, path and sealed part; raises InvalidTag, or KeyError if the number has no key."""
        path = self.ids.index(packet[:8])
        number = int.from_bytes(packet[8:16], "big") ^ self.mask(packet)
        aead, nonce = self.cipher(number)
        header = packet[:8] + number.to_bytes(8, "big")
        return number, path, aead.decrypt(nonce, packet[16:], header)


def next_root(root: bytes, shared: bytes, initiator: bytes, responder: bytes, epoch: int) -> bytes:
    return derive("courier/1 next root", root + shared + initiator + responder + epoch.to_bytes(4, "big"))


class Peer:
    def __init__(self, program: str):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, *words) -> str:
        text = " ".join((word.hex() or "-") if isinstance(word, bytes) else str(word) for word in words)
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        self.process.stdin.close()
        self.process.wait()


passed = failed = 0


def check(condition: bool, what: str) -> None:
    global passed, failed
    if condition:
        passed += 1
    else:
        failed += 1
        print(f"FAILED: {what}")


def check_keys(peer: Peer, epoch: Epoch) -> None:
    values = [epoch.packet_key, epoch.header_key, epoch.prefix, *epoch.ids]
    expected = " ".join([str(epoch.number)] + [value.hex() for value in values])
    check(peer.ask("keys") == expected, f"keys of epoch {epoch.number}, suite {epoch.suite}")


def exchange(peer: Peer, epoch: Epoch, number: int, path: int, sealed_part: bytes) -> None:
    """Their packet is mine, mine opens there, and changed ones open nowhere."""
    what = f"packet {number}, epoch {epoch.number}, suite {epoch.suite}, {len(sealed_part)} bytes"
    theirs = bytes.fromhex(peer.ask("seal", number, path, sealed_part))
    check(epoch.open(theirs) == (number, path, sealed_part), f"{what}: does not open here")
    mine = epoch.seal(number, path, sealed_part)
    check(mine == theirs, f"{what}: differs")
    for place in (8, 16, 35, len(mine) - 1):
        changed = bytearray(mine)
        changed[place] ^= 0x10
        check(peer.ask("open", bytes(changed)).startswith("refused"), f"{what}: opens there with byte {place} changed")
        try:
            epoch.open(bytes(theirs[:place] + bytes([theirs[place] ^ 0x10]) + theirs[place + 1:]))
            opens = True
        except (InvalidTag, KeyError):
            opens = False
        check(not opens, f"{what}: opens here with byte {place} changed")
    check(peer.ask("open", mine) == f"opened {number} {epoch.number} {path} {sealed_part.hex()}", f"{what}: not there")
    check(peer.ask("open", mine) == "refused replayed", f"{what}: opens twice")


def batch(peer: Peer, epoch: Epoch, first: int, path: int, parts: list[bytes]) -> None:
    room = bytes(16)
    length = 32 + len(parts[0])
    unsealed = b"".join(room + part + room for part in parts)
    theirs = bytes.fromhex(peer.ask("batch", first, path, length, unsealed))
    mine = b"".join(epoch.seal(first + index, path, part) for index, part in enumerate(parts))
    check(mine == theirs, f"{len(parts)} packets from {first}, suite {epoch.suite}, differ")
    expected = " ".join(
        f"opened {first + index} {epoch.number} {path} {part.hex()}" for index, part in enumerate(parts)
    )
    check(peer.ask("openmany", length, mine) == expected, f"{len(parts)} packets from {first} do not open there")


def run(peer: Peer, suite: int, direction: int, seed: int) -> None:
    generator = random.Random(seed)
    k1, k2 = generator.randbytes(32), generator.randbytes(32)
    check(peer.ask("session", suite, direction, k1, k2) == "ok", "session")
    root = derive("courier/1 root", k1 + k2)
    epoch = Epoch(root, suite, direction, 0, 0)
    check_keys(peer, epoch)
    for number, payload in enumerate((0, 1, 15, 16, 17, 100, 1400, 1420, 8920)):
        exchange(peer, epoch, number, number % 8, generator.randbytes(20 + payload))
    batch(peer, epoch, 100, 0, [generator.randbytes(20 + 300) for _ in range(44)])
    batch(peer, epoch, 200, 1, [generator.randbytes(20 + 30) for _ in range(70)] + [generator.randbytes(20 + 7)])
    # Across the step of a generation, in a batch.
    batch(peer, epoch, GENERATION - 5, 2, [generator.randbytes(40) for _ in range(10)])
    number = GENERATION + 100
    for step in range(1, 5):
        # Some generations further, one by one, as numbers must not run ahead.
        for _ in range(step):
            number += GENERATION
            exchange(peer, epoch, number, 3, generator.randbytes(50))
        shared, initiator, responder = (generator.randbytes(32) for _ in range(3))
        # The base may be older than the current generation.
        base = (number >> 16) - (step - 1)
        check(peer.ask("epoch", shared, initiator, responder, base) == "ok", f"epoch {step}")
        root = next_root(root, shared, initiator, responder, step)
        # Late packets of the old epoch; only mine, because the peer's sender is in the new one.
        late = epoch.seal(number - 7, 4, bytes(30))
        old = epoch
        epoch = Epoch(root, suite, direction, step, base)
        check_keys(peer, epoch)
        exchange(peer, epoch, number + 1, 7, generator.randbytes(33))
        expected = f"opened {number - 7} {step - 1} 4 {bytes(30).hex()}"
        check(peer.ask("open", late) == expected, "a late packet of the old epoch")
        peer.ask("forget")
        late = old.seal(number - 8, 4, bytes(30))
        check(peer.ask("open", late) == "refused unknownConnection", "the old epoch is forgotten")
        number += 2
        batch(peer, epoch, number, 5, [generator.randbytes(60) for _ in range(44)])
        number += 44


def vectors() -> None:
    k1, k2 = bytes(range(32)), bytes(range(32, 64))
    root = derive("courier/1 root", k1 + k2)
    shared, initiator, responder = (bytes([value]) * 32 for value in (0xD0, 0x11, 0x22))
    print(f"k1                        {k1.hex()}\nk2                        {k2.hex()}")
    print(f"root(0)                   {root.hex()}")
    print(f"DH                        {shared.hex()}")
    print(f"initiator's               {initiator.hex()}\nresponder's               {responder.hex()}")
    following = next_root(root, shared, initiator, responder, 1)
    print(f"root(1)                   {following.hex()}")
    for suite in (XCHACHA, AES_GCM):
        cases = ((1, 0x10002, 0, root, 0, 0), (2, 0x20003, 5, following, 1, 1))
        for direction, number, path, secret, index, base in cases:
            epoch = Epoch(secret, suite, direction, index, base)
            print(f"\nsuite {suite}, direction {direction}, epoch {index}, base {base}")
            print(f"packet key                {epoch.packet_key.hex()}")
            print(f"packet key, one step on   {derive('courier/1 next packet key', epoch.packet_key).hex()}")
            print(f"header key                {epoch.header_key.hex()}")
            print(f"nonce prefix              {epoch.prefix.hex()}")
            print(f"CID({path})                    {epoch.ids[path].hex()}")
            fields = struct.pack(">BBHIQHH", 5, 0, 0, number & 0xFFFFFFFF, 0, 16, 0)
            payload = bytes.fromhex("0102030405060708") + (1_000_000).to_bytes(8, "big")
            packet = epoch.seal(number, path, fields + payload)
            assert epoch.open(packet) == (number, path, fields + payload)
            print(f"P                         {number:#x}, CID({path})")
            print(f"PING before sealing       {(fields + payload).hex()}")
            print(f"mask                      {epoch.mask(packet):016x}")
            print(f"packet                    {packet.hex()}")


if sys.argv[1] == "--vectors":
    vectors()
    sys.exit(0)
peer = Peer(sys.argv[1])
for seed, (suite, direction) in enumerate((suite, direction) for suite in (XCHACHA, AES_GCM) for direction in (1, 2)):
    run(peer, suite, direction, seed)
peer.end()
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
