"""The handshake (Docs/NETWORK-PROTOCOL.md, Messages of the handshake), without sockets or clocks: times and randomness are arguments."""
from messages import BINCODE, encode
from primitives import NotAuthentic, hkdf, seal, sha256, unseal, verify, x25519, x25519_public

LABEL = b"outpost network-protocol handshake 1"
PROOF_LENGTH, CHALLENGE_LENGTH = 97, 113
NO_NONCE = bytes(24)
CLOCK_TOLERANCE = 5_000


class Refused(Exception):
    """This side does not admit the other."""


class Trust:
    """What a side proves and requires.

    - `identity`: what it proves; nothing without one.
    - `admits`: the public keys of which the peer must prove one; None when it need prove none.
    - `secret`: 32 bytes that both sides hold; None without.
    """

    def __init__(self, identity=None, admits=None, secret=None):
        self.identity, self.admits, self.secret = identity, admits, secret

    def judge(self, peer):
        if self.admits is not None and peer not in self.admits:
            raise Refused("it proved " + (peer.hex() if peer else "no identity"))


class Keys:
    """The secrets of both sides after Init, and pub_key and nonce of the Response."""

    def __init__(self, own_private, peer_public, trust, init, response_key, response_nonce):
        self.secret = x25519(own_private, peer_public) + (trust.secret or b"")
        self.th1 = sha256(LABEL + init + response_key + response_nonce)
        keys = hkdf(self.secret, self.th1, b"challenge", 64)
        self.daemon_challenge_key, self.client_challenge_key = keys[:32], keys[32:]

    def traffic(self, th3):
        """The daemon's, the client's."""
        keys = hkdf(self.secret, th3, b"traffic", 64)
        return keys[:32], keys[32:]


def signed(side, transcript):
    return b"outpost network-protocol " + side + transcript


def seal_challenge(identity, side, key, transcript):
    proof = bytes(PROOF_LENGTH)
    if identity:
        proof = b"\x01" + identity.public + identity.sign(signed(side, transcript))
    return seal(key, NO_NONCE, transcript, proof)


def open_challenge(challenge, side, key, transcript):
    """The key that the other side proved, or None."""
    if len(challenge) != CHALLENGE_LENGTH:
        raise NotAuthentic(f"a challenge of {len(challenge)} bytes")
    proof = unseal(key, NO_NONCE, transcript, challenge)
    if proof[0] == 0:
        return None
    public = proof[1:33]
    if proof[0] != 1 or not verify(public, signed(side, transcript), proof[33:]):
        raise NotAuthentic("the proof of its identity does not hold")
    return public


class Client:
    """Sends `init`, accepts the Response, returns the Confirm. Then `peer`, `sending` and `receiving` are set."""

    def __init__(self, trust, timestamp, random):
        self.trust = trust
        self.private = random(32)
        self.init = ("SecureHandshakeInit", x25519_public(self.private), timestamp, random(16))

    def confirm(self, response):
        _, key, nonce, challenge = response
        self.keys = Keys(self.private, key, self.trust, encode(self.init, BINCODE), key, nonce)
        self.peer = open_challenge(challenge, b"responder", self.keys.daemon_challenge_key, self.keys.th1)
        self.trust.judge(self.peer)
        self.th2 = sha256(self.keys.th1 + challenge)
        own = seal_challenge(self.trust.identity, b"initiator", self.keys.client_challenge_key, self.th2)
        self.th3 = sha256(self.th2 + own)
        self.receiving, self.sending = self.keys.traffic(self.th3)
        return ("SecureHandshakeConfirm", own)


class Daemon:
    """Accepts an Init, returns `response`, accepts the Confirm. Then `peer`, `sending` and `receiving` are set."""

    def __init__(self, trust, init, now, random):
        _, key, timestamp, _ = init
        if abs(timestamp - now) > CLOCK_TOLERANCE:
            raise Refused("the clocks differ")
        self.trust = trust
        private, nonce = random(32), random(16)
        public = x25519_public(private)
        self.keys = Keys(private, key, trust, encode(init, BINCODE), public, nonce)
        challenge = seal_challenge(trust.identity, b"responder", self.keys.daemon_challenge_key, self.keys.th1)
        self.th2 = sha256(self.keys.th1 + challenge)
        self.response = ("SecureHandshakeResponse", public, nonce, challenge)

    def take(self, confirm):
        """The caller decides whether to admit the peer, and can send it a sealed refusal."""
        _, challenge = confirm
        self.peer = open_challenge(challenge, b"initiator", self.keys.client_challenge_key, self.th2)
        self.th3 = sha256(self.th2 + challenge)
        self.sending, self.receiving = self.keys.traffic(self.th3)
