"""Sections 1 and 6: tickets and the handshake, by PyPI's noiseprotocol with key pairs that are written hidden."""

import base64
import ipaddress
import secrets
import select
import struct
import time
import warnings
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from blake3 import blake3
from noise.connection import Keypair, NoiseConnection

from keys import FirstIsHidden, HiddenKeyPair, derive, keyed, xchacha

# noiseprotocol warns about ephemeral keys that it did not make.
warnings.filterwarnings("ignore", message="One of ephemeral keypairs is already set")

INITIATOR, RESPONDER = 1, 2
VERSIONS, SUITES, LARGEST, IDLE, CREDIT, BUFFER, CONTROL_CREDIT = 0x8001, 0x8002, 3, 4, 5, 6, 7
DEFAULTS = {LARGEST: 1472, IDLE: 30_000, CREDIT: 1_048_576, BUFFER: 212_992, CONTROL_CREDIT: 262_144}
SIZES = {LARGEST: 2, IDLE: 4, CREDIT: 8, BUFFER: 4, CONTROL_CREDIT: 4}


class Established(NamedTuple):
    role: int
    root: bytes
    suite: int
    mine: dict
    theirs: dict
    address: tuple
    third: bytes
    peer: bytes


class Ticket(NamedTuple):
    eid: bytes
    secret: bytes
    address: tuple

    @classmethod
    def read(cls, text: str) -> "Ticket":
        body = text.removeprefix("courier:").upper()
        data = base64.b32decode(body + "=" * (-len(body) % 8))
        assert data[0] == 1 and blake3(data[:-4]).digest()[:4] == data[-4:], "not a ticket"
        fields, secret, address = data[33:-4], b"", None
        while fields:
            kind, value, fields = fields[0], fields[2 : 2 + fields[1]], fields[2 + fields[1] :]
            if kind == 1:
                secret = value
            elif kind == 2 and address is None:
                address = (str(ipaddress.ip_address(value[:4])), int.from_bytes(value[4:], "big"))
        return cls(data[1:33], secret, address)

    def text(self) -> str:
        place = ipaddress.ip_address(self.address[0]).packed + self.address[1].to_bytes(2, "big")
        # With a field of an unknown type, which readers skip.
        data = b"\1" + self.eid + b"\1\x10" + self.secret + b"\x7f\3abc" + b"\2\6" + place
        data += blake3(data).digest()[:4]
        return "courier:" + base64.b32encode(data).decode().lower().rstrip("=")


class Host:
    """One end's identity and what it offers, for one ticket."""

    def __init__(self, role: int, ticket: Ticket, identity: Ed25519PrivateKey, suites: bytes):
        self.role, self.ticket, self.identity, self.suites = role, ticket, identity, suites
        # Less than the defaults, so that the peer must wait for WINDOW_UPDATE.
        self.options = DEFAULTS | {CREDIT: 300_000, CONTROL_CREDIT: 100_000}
        self.probe = derive("courier/1 probe", ticket.eid + ticket.secret)

    def cid(self, name: str, representative: bytes) -> bytes:
        return keyed(self.probe, f"courier/1 {name}".encode() + representative, 8)

    def noise(self) -> NoiseConnection:
        noise = NoiseConnection.from_name(b"Noise_XX_25519_ChaChaPoly_BLAKE2s")
        noise.set_prologue(b"courier/1" + self.ticket.eid)
        (noise.set_as_initiator if self.role == INITIATOR else noise.set_as_responder)()
        noise.set_keypair_from_private_bytes(Keypair.STATIC, secrets.token_bytes(32))
        noise.noise_protocol.keypairs["e"] = HiddenKeyPair.generate()
        noise.noise_protocol.keypair_class = FirstIsHidden()
        noise.start_handshake()
        state = noise.noise_protocol.symmetric_state
        seal, unseal = state.encrypt_and_hash, state.decrypt_and_hash

        def sealing(text) -> bytes:
            # The payload holds a signature over the hash at this place, so it comes as a function of the hash.
            return seal(text(state.h) if callable(text) else text)

        def unsealing(text: bytes) -> bytes:
            noise.hash_before = state.h
            return unseal(text)

        state.encrypt_and_hash, state.decrypt_and_hash = sealing, unsealing
        return noise

    def payload(self, h: bytes) -> bytes:
        tlvs = {VERSIONS: b"\1", SUITES: self.suites, 0x0F00: b"unknown, skipped"}
        tlvs |= {kind: value.to_bytes(SIZES[kind], "big") for kind, value in self.options.items()}
        body = self.identity.public_key().public_bytes_raw()
        body += self.identity.sign(b"courier/1 identity" + bytes([self.role]) + h)
        body += b"".join(struct.pack(">HH", kind, len(value)) + value for kind, value in tlvs.items())
        return len(body).to_bytes(2, "big") + body + secrets.token_bytes(secrets.randbelow(300))

    def check(self, noise: NoiseConnection, payload: bytes) -> tuple[bytes, dict, bytes]:
        """The peer's Endpoint ID, options and suites, once its signature is verified."""
        (length,) = struct.unpack_from(">H", payload)
        eid, signature, rest = payload[2:34], payload[34:98], payload[98 : 2 + length]
        signed = b"courier/1 identity" + bytes([3 - self.role]) + noise.hash_before
        Ed25519PublicKey.from_public_bytes(eid).verify(signature, signed)
        tlvs = {}
        while rest:
            kind, length = struct.unpack_from(">HH", rest)
            assert kind not in tlvs and len(rest) >= 4 + length, "TLV twice or cut"
            assert kind < 0x8000 or kind in (VERSIONS, SUITES), "critical TLV unknown"
            tlvs[kind], rest = rest[4 : 4 + length], rest[4 + length :]
        assert 1 in tlvs[VERSIONS] and 1 in tlvs[SUITES], "no common version or suite"
        read = {kind: int.from_bytes(tlvs[kind], "big") for kind in DEFAULTS if kind in tlvs}
        return eid, DEFAULTS | read, tlvs[SUITES]

    def established(self, noise: NoiseConnection, peer: bytes, theirs: dict, suites: bytes, address, third: bytes) -> Established:
        protocol = noise.noise_protocol
        keys = protocol.cipher_state_encrypt.k, protocol.cipher_state_decrypt.k
        root = derive("courier/1 root", b"".join(keys if self.role == INITIATOR else keys[::-1]))
        suite = 2 if 2 in suites and 2 in self.suites else 1
        return Established(self.role, root, suite, self.options, theirs, address, third, peer)


def with_macs(host: Host, body: bytes, cookie: bytes | None) -> bytes:
    body += keyed(host.probe, body, 16)
    return body + (keyed(derive("courier/1 mac2", cookie), body, 16) if cookie else secrets.token_bytes(16))


def first_message(host: Host, cookie: bytes | None) -> tuple[NoiseConnection, bytes]:
    noise = host.noise()
    padding = secrets.token_bytes(1200 - 72 + secrets.randbelow(253))
    return noise, with_macs(host, b"\xff" * 8 + bytes(noise.write_message(padding)), cookie)


def initiate(sock, host: Host) -> tuple[Established, dict]:
    address, cookie, waiting, cookies = host.ticket.address, None, {}, 0
    pauses, resend, end = [0.25, 0.5, 1, 2, 4], 0.0, time.monotonic() + 10
    while time.monotonic() < end:
        if time.monotonic() >= resend:
            noise, message = first_message(host, cookie)
            waiting[host.cid("message 2", message[8:40])] = (noise, message)
            waiting[host.cid("cookie", message[8:40])] = (None, message)
            sock.sendto(message, address)
            resend = time.monotonic() + (pauses.pop(0) if pauses else 10)
        if not select.select([sock], [], [], max(0, min(resend, end) - time.monotonic()))[0]:
            continue
        datagram, source = sock.recvfrom(65536)
        noise, message = waiting.get(datagram[:8], (None, None))
        if message is None or len(datagram) > len(message):
            continue
        if noise is None:
            aead, nonce = xchacha(derive("courier/1 cookie key", host.probe), datagram[8:32])
            cookie = aead.decrypt(nonce, datagram[32:64], message[-32:-16])
            resend, cookies = 0.0, cookies + 1
            continue
        eid, theirs, suites = host.check(noise, bytes(noise.read_message(datagram[8:])))
        assert eid == host.ticket.eid, "message 2 of another host"
        third = host.cid("message 3", datagram[8:40]) + bytes(noise.write_message(host.payload))
        sock.sendto(third, source)
        counts = {"cookies": cookies, "message1": len(waiting) // 2}
        return host.established(noise, eid, theirs, suites, source, third), counts
    raise TimeoutError("no answer to message 1")


def respond(sock, host: Host, asks_cookies: bool, timeout: float) -> tuple[Established, dict]:
    """Waits for one initiator. A real host would bound its state, as section 1.5 has it."""
    secret, known, waiting, cookies = secrets.token_bytes(32), {}, {}, 0
    end = time.monotonic() + timeout
    while select.select([sock], [], [], max(0, end - time.monotonic()))[0]:
        datagram, source = sock.recvfrom(65536)
        if datagram[:8] == b"\xff" * 8 and 1200 <= len(datagram) <= 1452:
            if keyed(host.probe, datagram[:-32], 16) != datagram[-32:-16]:
                continue
            place = ipaddress.ip_address("::ffff:" + source[0]).packed + source[1].to_bytes(2, "big")
            cookie = keyed(secret, place, 16)
            if asks_cookies and keyed(derive("courier/1 mac2", cookie), datagram[:-16], 16) != datagram[-16:]:
                nonce, cookies = secrets.token_bytes(24), cookies + 1
                aead, short = xchacha(derive("courier/1 cookie key", host.probe), nonce)
                sealed = aead.encrypt(short, cookie, datagram[-32:-16])
                sock.sendto(host.cid("cookie", datagram[8:40]) + nonce + sealed + secrets.token_bytes(50), source)
                continue
            if datagram not in known:
                noise = host.noise()
                noise.read_message(datagram[8:-32])
                second = bytes(noise.write_message(host.payload))
                known[datagram] = host.cid("message 2", datagram[8:40]) + second
                waiting[host.cid("message 3", second[:32])] = noise
            sock.sendto(known[datagram], source)
        elif noise := waiting.get(datagram[:8]):
            try:
                eid, theirs, suites = host.check(noise, bytes(noise.read_message(datagram[8:])))
            except (InvalidTag, InvalidSignature):
                continue
            counts = {"cookies": cookies, "message1": len(known)}
            return host.established(noise, eid, theirs, suites, source, datagram), counts
    raise TimeoutError("no initiator")
