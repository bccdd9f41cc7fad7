"""Sections 1.6, 2 and 3: ephemeral keys written as representatives, keys of an epoch, sealed packets.

The curve's points are computed with Python's integers, from the definition of Elligator2.
"""

import secrets
import struct

from blake3 import blake3
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from noise.backends.default.keypairs import KeyPair25519

P = 2**255 - 19
A = 486662
ORDER_EIGHT = 325606250916557431795983626356110631294008115727848805560023387167927233504  # u of a point
XCHACHA, AES_GCM = 1, 2


def derive(context: str, material: bytes, length: int = 32) -> bytes:
    return blake3(material, derive_key_context=context).digest()[:length]


def keyed(key: bytes, message: bytes, length: int = 32) -> bytes:
    return blake3(message, key=key).digest()[:length]


def is_square(value: int) -> bool:
    return pow(value, (P - 1) // 2, P) in (0, 1)


def square_root(value: int) -> int:
    root = pow(value, (P + 3) // 8, P)
    if root * root % P != value % P:
        root = root * pow(2, (P - 1) // 4, P) % P
    return min(root, P - root)


def curve(u: int) -> int:
    return (u**3 + A * u**2 + u) % P


def decode(representative: bytes) -> X25519PublicKey:
    r = int.from_bytes(representative, "little") % 2**254
    w = -A * pow(1 + 2 * r * r, -1, P) % P
    u = w if is_square(curve(w)) else (-A - w) % P
    return X25519PublicKey.from_public_bytes(u.to_bytes(32, "little"))


def encode(u: int, branch: int) -> bytes | None:
    if u == P - A or not is_square(-2 * u * (u + A)):
        return None
    top, bottom = (u + A, u) if branch else (u, u + A)
    r = square_root(-top * pow(2 * bottom, -1, P))
    return (r | secrets.randbelow(4) << 254).to_bytes(32, "little")


def add(one, other):
    """Points as (u, v); None is the neutral element."""
    if one is None or other is None:
        return one or other
    (u1, v1), (u2, v2) = one, other
    if u1 == u2 and (v1 + v2) % P == 0:
        return None
    if u1 == u2:
        slope = (3 * u1 * u1 + 2 * A * u1 + 1) * pow(2 * v1, -1, P) % P
    else:
        slope = (v2 - v1) * pow(u2 - u1, -1, P) % P
    u3 = (slope * slope - A - u1 - u2) % P
    return u3, (slope * (u1 - u3) - v1) % P


class HiddenKeyPair(KeyPair25519):
    """A key pair that is written as its representative."""

    @classmethod
    def generate(cls) -> "HiddenKeyPair":
        torsion = (ORDER_EIGHT, square_root(curve(ORDER_EIGHT)))
        while True:
            private = X25519PrivateKey.generate()
            public = private.public_key()
            u = int.from_bytes(public.public_bytes_raw(), "little")
            point = (u, square_root(curve(u)))
            for _ in range(secrets.randbelow(8)):
                point = add(point, torsion)
            if written := encode(point[0], secrets.randbelow(2)):
                return cls(private=private, public=public, public_bytes=written)


class FirstIsHidden:
    """Reads the peer's first key, e, as a representative, and the next one, s, as it is."""

    def __init__(self):
        self.count = 0

    def from_public_bytes(self, written: bytes) -> KeyPair25519:
        self.count += 1
        if self.count > 1:
            return KeyPair25519.from_public_bytes(written)
        return KeyPair25519(public=decode(written), public_bytes=written)


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


def xchacha(key: bytes, nonce: bytes):
    """The AEAD and its nonce, for a nonce of 24 bytes."""
    return ChaCha20Poly1305(hchacha20(key, nonce[:16])), bytes(4) + nonce[16:]


def next_root(root: bytes, shared: bytes, initiator: bytes, responder: bytes, epoch: int) -> bytes:
    return derive("courier/1 next root", root + shared + initiator + responder + epoch.to_bytes(4, "big"))


class Epoch:
    """The keys of one direction in one epoch."""

    def __init__(self, root: bytes, suite: int, direction: int, number: int, base: int):
        m = root + bytes([direction]) + number.to_bytes(4, "big")
        self.suite, self.number = suite, number
        self.header_key = derive("courier/1 header key", m)
        self.prefix = derive("courier/1 nonce prefix", m, 16 if suite == XCHACHA else 4)
        self.ids = [derive("courier/1 connection id", m + bytes([index]), 8) for index in range(8)]
        self.generations = {base: derive("courier/1 packet key", m)}
        self.ciphers = {}

    def cipher(self, number: int):
        """The AEAD and the nonce of a packet; KeyError if it has no key here."""
        counter, generation = number.to_bytes(8, "little"), number >> 16
        last = max(self.generations)
        # A packet that is not authentic may name any generation.
        for step in range(last + 1, min(generation, last + 8) + 1):
            self.generations[step] = derive("courier/1 next packet key", self.generations[step - 1])
        key = self.generations[generation]
        if self.suite == AES_GCM:
            return AESGCM(key), self.prefix + counter
        if generation not in self.ciphers:
            # HChaCha20 of the prefix is the same for all packets of a generation.
            self.ciphers[generation] = xchacha(key, self.prefix + counter)[0]
        return self.ciphers[generation], bytes(4) + counter

    def mask(self, packet: bytes) -> int:
        sample = packet[16:32]
        if self.suite == AES_GCM:
            block = Cipher(AES(self.header_key), ECB()).encryptor().update(sample)
        else:
            block = keyed(self.header_key, sample)
        return int.from_bytes(block[:8], "big")

    def seal(self, number: int, text: bytes) -> bytes:
        header = self.ids[0] + number.to_bytes(8, "big")
        aead, nonce = self.cipher(number)
        packet = header + aead.encrypt(nonce, text, header)
        return packet[:8] + (number ^ self.mask(packet)).to_bytes(8, "big") + packet[16:]

    def open(self, packet: bytes) -> tuple[int, bytes] | None:
        """The packet's number and what is in it; None if it is not authentic."""
        number = int.from_bytes(packet[8:16], "big") ^ self.mask(packet)
        try:
            aead, nonce = self.cipher(number)
            return number, aead.decrypt(nonce, packet[16:], packet[:8] + number.to_bytes(8, "big"))
        except (InvalidTag, KeyError):
            return None
