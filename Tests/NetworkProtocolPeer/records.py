"""Records (Docs/NETWORK-PROTOCOL.md, Records)."""
import struct

from packets import ENCRYPTED, header
from primitives import TAG, hkdf_expand, seal, unseal


class Direction:
    """The keys and numbers of the records that one side sends."""

    def __init__(self, traffic_key):
        self.traffic_key = traffic_key
        material = hkdf_expand(traffic_key, b"record", 48)
        self.key, self.prefix = material[:32], material[32:]
        self.number = 0

    def change_key(self):
        self.__init__(hkdf_expand(self.traffic_key, b"next", 32))

    def nonce(self):
        nonce = self.prefix + struct.pack("<Q", self.number)
        self.number += 1
        return nonce

    def seal(self, payload, flags=0):
        """The whole packet. A record with an empty payload is the last under its key."""
        head = header(flags | ENCRYPTED, len(payload) + TAG)
        packet = head + seal(self.key, self.nonce(), head, payload)
        if not payload:
            self.change_key()
        return packet

    def open(self, head, sealed):
        payload = unseal(self.key, self.nonce(), head, sealed)
        if not payload:
            self.change_key()
        return payload
