"""Datagrams and messages of a cluster (Docs/NETWORK-PROTOCOL.md, Datagrams and Messages of members)."""
import ipaddress
import struct

from primitives import NotAuthentic, hkdf, seal, unseal

MAGIC = b"SWIM\x01"
LONGEST, OVERHEAD = 1_400, 54
HIGHEST, LOWEST = b"\xff" * 32, bytes(32)
ALIVE, SUSPECT, DEAD, LEFT = 1, 2, 3, 4
PING, ACK, NACK, PING_REQUEST, GOSSIP, PULL, PAGE = range(1, 8)
# By type: the fields after the sender's id.
BODIES = {PING: ">Q32s", ACK: ">Q", NACK: ">Q", PING_REQUEST: ">Q32s", GOSSIP: ">", PULL: ">QB32sQ", PAGE: ">QB32s32s"}


class WrongDatagram(Exception):
    pass


class ClusterKeys:
    """The keys that members derive from the cluster's key and name."""

    def __init__(self, key, name):
        material = hkdf(key, name.encode(), b"network-protocol SWIM 1", 33)
        self.key, self.fingerprint = material[:32], material[32:]
        self.messaging = hkdf(key, name.encode(), b"network-protocol messaging 1", 32)

    def seal(self, message, sent_at, nonce):
        head = MAGIC + self.fingerprint
        datagram = head + nonce + seal(self.key, nonce, head, struct.pack(">Q", sent_at) + message)
        assert len(datagram) <= LONGEST
        return datagram

    def open(self, datagram):
        """The message, and its sending time."""
        if not OVERHEAD <= len(datagram) <= LONGEST or datagram[:5] != MAGIC or datagram[5:6] != self.fingerprint:
            raise WrongDatagram("of another protocol, version, key or name")
        try:
            plain = unseal(self.key, datagram[6:30], datagram[:6], datagram[30:])
        except NotAuthentic as error:
            raise WrongDatagram("not authentic") from error
        return plain[8:], struct.unpack(">Q", plain[:8])[0]


class Update:
    """A claim about a member: `address` (host, port) and `messaging` port of an alive one, `accusers` of a suspect."""

    def __init__(self, claim, member, incarnation, address=None, messaging=0, accusers=()):
        self.claim, self.member, self.incarnation = claim, member, incarnation
        self.address, self.messaging, self.accusers = address, messaging, accusers

    def encode(self):
        data = struct.pack(">B32sQ", self.claim, self.member, self.incarnation)
        if self.claim == ALIVE:
            ip = ipaddress.ip_address(self.address[0])
            data += bytes([ip.version]) + ip.packed + struct.pack(">HH", self.address[1], self.messaging)
        elif self.claim == SUSPECT:
            data += bytes([len(self.accusers)]) + b"".join(sorted(self.accusers))
        return data


class Reader:
    def __init__(self, data):
        self.data, self.position = data, 0

    def take(self, format):
        size = struct.calcsize(format)
        if size > len(self.data) - self.position:
            raise WrongDatagram("a message ends too early")
        values = struct.unpack_from(format, self.data, self.position)
        self.position += size
        return values

    def update(self):
        claim, member, incarnation = self.take(">B32sQ")
        if claim == ALIVE:
            (family,) = self.take(">B")
            (ip,) = self.take(">4s" if family == 4 else ">16s")
            port, messaging = self.take(">HH")
            return Update(claim, member, incarnation, (str(ipaddress.ip_address(ip)), port), messaging)
        if claim == SUSPECT:
            (count,) = self.take(">B")
            return Update(claim, member, incarnation, accusers=[self.take(">4s")[0] for _ in range(count)])
        if claim not in (DEAD, LEFT):
            raise WrongDatagram(f"the claim {claim}")
        return Update(claim, member, incarnation)


def encode(type, sender, body=(), updates=()):
    data = struct.pack(">B32s", type, sender) + struct.pack(BODIES[type], *body)
    return data + bytes([len(updates)]) + b"".join(update.encode() for update in updates)


def decode(data):
    """Type, sender, body, updates."""
    reader = Reader(data)
    type, sender = reader.take(">B32s")
    if type not in BODIES or sender == LOWEST:
        raise WrongDatagram(f"the type {type}, or no sender")
    body = reader.take(BODIES[type])
    updates = [reader.update() for _ in range(reader.take(">B")[0])]
    if reader.position != len(data):
        raise WrongDatagram("something follows the message")
    return type, sender, body, updates


def mix(z):
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % (1 << 64)
    z = (z ^ z >> 27) * 0x94D049BB133111EB % (1 << 64)
    return z ^ z >> 31


def digest(members):
    """Of pairs of id and incarnation."""
    total = 0
    for id, incarnation in members:
        h = incarnation
        for word in struct.unpack(">4Q", id):
            h = mix(h ^ word)
        total += h
    return total % (1 << 64)
