#!/usr/bin/env python3
"""Runs handshakes of Noise_XX_25519_ChaChaPoly_BLAKE2s between the program NoisePeer and PyPI's noiseprotocol.

Plain ephemeral keys are noiseprotocol as it is. For representatives, its key pairs are replaced by those below, which
compute Elligator2 from its definition with Python's integers. Hashes and codes are compared with hashlib and hmac.

    pip install noiseprotocol cryptography
    swift build --product NoisePeer
    python3 Tests/NoisePeer/peer.py .build/debug/NoisePeer [ROUNDS]
"""

import hashlib
import hmac
import secrets
import subprocess
import sys
import warnings

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from noise.backends.default.keypairs import KeyPair25519
from noise.connection import Keypair, NoiseConnection

NAME = b"Noise_XX_25519_ChaChaPoly_BLAKE2s"
P = 2**255 - 19
A = 486662
L = 2**252 + 27742317777372353535851937790883648493


def number(data: bytes) -> int:
    return int.from_bytes(data, "little")


def data(value: int) -> bytes:
    return value.to_bytes(32, "little")


def is_square(value: int) -> bool:
    return pow(value, (P - 1) // 2, P) in (0, 1)


def square_root(value: int) -> int:
    root = pow(value, (P + 3) // 8, P)
    if root * root % P != value % P:
        root = root * pow(2, (P - 1) // 4, P) % P
    if root * root % P != value % P:
        raise ValueError("not a square")
    return min(root, P - root)


def curve(u: int) -> int:
    return (u**3 + A * u**2 + u) % P


def elligator_map(r: int) -> int:
    w = -A * pow(1 + 2 * r * r, -1, P) % P
    return w if is_square(curve(w)) else (-A - w) % P


def decode(representative: bytes) -> int:
    return elligator_map(number(representative) % 2**254)


def encode(u: int, branch: int) -> int | None:
    if u == P - A or not is_square(-2 * u * (u + A)):
        return None
    top, bottom = (u + A, u) if branch else (u, u + A)
    return square_root(-top * pow(2 * bottom, -1, P))


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


def multiply(scalar: int, point):
    result = None
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


ORDER_EIGHT = 325606250916557431795983626356110631294008115727848805560023387167927233504


class HiddenKeyPair(KeyPair25519):
    """A key pair that is written as its representative."""

    @classmethod
    def generate(cls) -> "HiddenKeyPair":
        torsion = (ORDER_EIGHT, square_root(curve(ORDER_EIGHT)))
        while True:
            private = X25519PrivateKey.generate()
            public = private.public_key()
            u = number(public.public_bytes_raw())
            u = add((u, square_root(curve(u))), multiply(secrets.randbelow(8), torsion))[0]
            r = encode(u, secrets.randbelow(2))
            if r is not None:
                written = data(r | secrets.randbelow(4) << 254)
                return cls(private=private, public=public, public_bytes=written)


class FirstIsHidden:
    """Reads the peer's first key, e, as a representative, and the next one, s, as it is."""

    def __init__(self):
        self.count = 0

    def from_public_bytes(self, written: bytes) -> KeyPair25519:
        self.count += 1
        if self.count > 1:
            return KeyPair25519.from_public_bytes(written)
        return KeyPair25519(public=X25519PublicKey.from_public_bytes(data(decode(written))), public_bytes=written)


class Peer:
    """The program on the other side of two pipes."""

    def __init__(self, path: str):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def send(self, *words) -> None:
        texts = [w if isinstance(w, str) else w.hex() or "-" for w in words]
        self.process.stdin.write(" ".join(texts) + "\n")
        self.process.stdin.flush()

    def receive(self) -> list[bytes]:
        line = self.process.stdout.readline().strip()
        if line.startswith(("failure ", "bad line")) or not line:
            raise AssertionError(line or "the program ended")
        return [b"" if word == "-" else bytes.fromhex(word) for word in line.split()]

    def text(self) -> str:
        return self.process.stdout.readline().strip()

    def ask(self, *words) -> list[bytes]:
        self.send(*words)
        return self.receive()


def connection(form: str, prologue: bytes, is_initiator: bool) -> NoiseConnection:
    noise = NoiseConnection.from_name(NAME)
    noise.set_prologue(prologue)
    if is_initiator:
        noise.set_as_initiator()
    else:
        noise.set_as_responder()
    noise.set_keypair_from_private_bytes(Keypair.STATIC, secrets.token_bytes(32))
    if form == "representative":
        noise.noise_protocol.keypairs["e"] = HiddenKeyPair.generate()
        noise.noise_protocol.keypair_class = FirstIsHidden()
    noise.start_handshake()
    record_hash(noise)
    return noise


def record_hash(noise: NoiseConnection) -> None:
    """Keeps the hash before each sealed or opened text; the last one of a message is that before its payload."""
    state = noise.noise_protocol.handshake_state.symmetric_state
    for name in ("encrypt_and_hash", "decrypt_and_hash"):
        original = getattr(state, name)

        def recording(text, original=original):
            noise.hash_before = state.h
            return original(text)

        setattr(state, name, recording)


def static_public(noise: NoiseConnection) -> bytes:
    return noise.noise_protocol.keypairs["s"].public_bytes


def finish(noise: NoiseConnection, k1: bytes, k2: bytes, handshake_hash: bytes, is_initiator: bool) -> None:
    assert noise.get_handshake_hash() == handshake_hash
    mine, theirs = (k1, k2) if is_initiator else (k2, k1)
    protocol = noise.noise_protocol
    assert (protocol.cipher_state_encrypt.k, protocol.cipher_state_decrypt.k) == (mine, theirs)


def as_responder(peer: Peer, form: str, lengths: list[int]) -> None:
    """The program initiates."""
    prologue, secret = secrets.token_bytes(9), secrets.token_bytes(32)
    payloads = [secrets.token_bytes(length) for length in lengths]
    noise = connection(form, prologue, is_initiator=False)
    peer.send("initiator", form, prologue, secret, b"", payloads[0], payloads[2])
    (first,) = peer.receive()
    assert noise.read_message(first) == payloads[0]
    peer.send(bytes(noise.write_message(payloads[1])))
    second_hash = noise.hash_before
    assert peer.receive() == [payloads[1], second_hash, static_public(noise)]
    third, third_hash = peer.receive()
    assert noise.read_message(third) == payloads[2]
    assert noise.hash_before == third_hash
    finish(noise, *peer.receive(), is_initiator=False)


def as_initiator(peer: Peer, form: str, lengths: list[int]) -> None:
    """The program responds."""
    prologue, secret = secrets.token_bytes(9), secrets.token_bytes(32)
    payloads = [secrets.token_bytes(length) for length in lengths]
    noise = connection(form, prologue, is_initiator=True)
    peer.send("responder", form, prologue, secret, b"", payloads[1])
    peer.send(bytes(noise.write_message(payloads[0])))
    assert peer.receive() == [payloads[0]]
    second, second_hash = peer.receive()
    assert noise.read_message(second) == payloads[1]
    assert noise.hash_before == second_hash
    peer.send(bytes(noise.write_message(payloads[2])))
    third_hash = noise.hash_before
    assert peer.receive() == [payloads[2], third_hash, static_public(noise)]
    finish(noise, *peer.receive(), is_initiator=True)


def refusals(peer: Peer, form: str) -> None:
    """What the program refuses, and then goes on with the next line."""
    secret = secrets.token_bytes(32)
    peer.send("responder", form, b"", secret, b"", b"")
    peer.send(secrets.token_bytes(31))
    assert peer.text().startswith("failure truncated")
    peer.send("initiator", form, b"", secret, b"", b"", b"")
    peer.receive()
    peer.send(secrets.token_bytes(96))
    assert peer.text().startswith("failure handshake message not authentic")
    peer.send("responder", form, b"", secret, b"", b"")
    peer.send(bytes(32))
    assert peer.receive() == [b""]
    assert peer.text().startswith("failure key of low order")


def hashes(peer: Peer) -> None:
    def code(key: bytes, message: bytes) -> bytes:
        return hmac.new(key, message, hashlib.blake2s).digest()

    message, key = secrets.token_bytes(secrets.randbelow(300)), secrets.token_bytes(secrets.randbelow(150))
    assert peer.ask("blake2s", message) == [hashlib.blake2s(message).digest()]
    assert peer.ask("hmac", key, message) == [code(key, message)]
    chaining = secrets.token_bytes(32)
    temporary = code(chaining, message)
    first = code(temporary, b"\1")
    second = code(temporary, first + b"\2")
    assert peer.ask("hkdf", chaining, message) == [first, second, code(temporary, second + b"\3")]


def curves(peer: Peer) -> None:
    private, other, element = X25519PrivateKey.generate(), X25519PrivateKey.generate(), secrets.token_bytes(32)
    public = other.public_key()
    shared = peer.ask("x25519", private.private_bytes_raw(), public.public_bytes_raw())
    assert shared == [private.exchange(public)]
    assert peer.ask("map", element) == [data(elligator_map(number(element) % 2**255 % P))]
    assert peer.ask("decode", element) == [data(decode(element))]
    clean, dirty, written = peer.ask("key")
    assert decode(written) == number(dirty)
    # The key without its part of low order: eight times both is the same.
    points = [(number(u), square_root(curve(number(u)))) for u in (clean, dirty)]
    assert multiply(L, points[0]) is None
    assert multiply(8, points[0])[0] == multiply(8, points[1])[0]


def main() -> int:
    if len(sys.argv) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 2
    # noiseprotocol warns about ephemeral keys that it did not make.
    warnings.filterwarnings("ignore", message="One of ephemeral keypairs is already set")
    peer = Peer(sys.argv[1])
    rounds = int(sys.argv[2]) if len(sys.argv) == 3 else 25
    passed = 0
    for index in range(rounds):
        lengths = [0, 0, 0] if index == 0 else [secrets.randbelow(1400) for _ in range(3)]
        for form in ("plain", "representative"):
            as_responder(peer, form, lengths)
            as_initiator(peer, form, lengths)
            refusals(peer, form)
            passed += 3
        hashes(peer)
        curves(peer)
        passed += 2
    longest = [65_535 - 32, 65_535 - 96, 65_535 - 64]
    for form in ("plain", "representative"):
        as_responder(peer, form, longest)
        as_initiator(peer, form, longest)
        passed += 2
    peer.process.stdin.close()
    assert peer.process.wait() == 0
    print(f"{passed} passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
