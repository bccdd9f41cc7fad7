"""One connection, of either side: packets, the handshake, records and messages over a socket."""
import os
import socket
import ssl
import time

import handshake
import messages
import packets
from records import Direction

PATIENCE = 30
LONGEST_UNOPENED = 1_024


class Closed(Exception):
    """The other side has closed the connection."""


class Failed(Exception):
    """The other side refused the connection; `code` is the reason."""

    def __init__(self, code, reason):
        super().__init__(f"Failure {code}: {reason}")
        self.code = code


def now():
    return time.time_ns() // 1_000_000


def dial(address):
    """`HOST:PORT` or `unix:PATH`."""
    if address.startswith("unix:"):
        link = socket.socket(socket.AF_UNIX)
        link.settimeout(PATIENCE)
        link.connect(address[5:])
        return link
    host, _, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), PATIENCE)


class Connection:
    """`format` and `compression` (a packet's flag, or 0) are for sent messages; both may be changed at any time."""

    def __init__(self, link, format=messages.BINCODE, compression=0):
        link.settimeout(PATIENCE)
        self.link = link
        self.format, self.compression = format, compression
        self.sending = self.receiving = self.peer = None
        self.last_flags = self.last_format = None
        self.key_changes_seen = 0
        self.longest = packets.LONGEST

    # Bytes and packets

    def exactly(self, count):
        data = bytearray()
        while len(data) < count:
            try:
                piece = self.link.recv(min(count - len(data), 1 << 20))
            except (ConnectionResetError, ssl.SSLEOFError):
                piece = b""
            if not piece:
                raise Closed("the other side closed the connection")
            data += piece
        return bytes(data)

    def payload(self):
        """The next payload that is not empty, decompressed."""
        while True:
            head = self.exactly(packets.HEADER_LENGTH)
            flags, length = packets.read_header(head)
            if length > self.longest:
                raise packets.WrongPacket(f"{length} bytes before the connection is open")
            data = self.exactly(length)
            if bool(flags & packets.ENCRYPTED) != (self.receiving is not None):
                raise packets.WrongPacket("sealed where it must not be, or not sealed where it must")
            if self.receiving:
                data = self.receiving.open(head, data)
                if not data:
                    self.key_changes_seen += 1
                    continue
            self.last_flags = flags
            return packets.decompress(flags, data)

    def packet(self, payload, flags=0):
        if self.sending:
            return self.sending.seal(payload, flags)
        return packets.header(flags, len(payload)) + payload

    # Messages

    def send(self, *message, marked=False):
        payload, flags = messages.encode(message, self.format, marked), 0
        if self.compression:
            smaller = packets.compress(self.compression, payload)
            if len(smaller) < len(payload):
                payload, flags = smaller, self.compression
        self.link.sendall(self.packet(payload, flags))

    def send_raw(self, payload, flags=0):
        self.link.sendall(self.packet(payload, flags))

    def change_key(self):
        """An empty record."""
        self.link.sendall(self.packet(b""))

    def receive(self):
        message, self.last_format = messages.decode(self.payload())
        if message[0] == "Failure" and message[1] == 0:
            raise Failed(message[2], message[3])
        return message

    # The handshake

    def open_as_client(self, trust, timestamp=None):
        self.longest = LONGEST_UNOPENED
        client = handshake.Client(trust, now() if timestamp is None else timestamp, os.urandom)
        self.send_in_clear(client.init)
        confirm = client.confirm(self.expect("SecureHandshakeResponse"))
        self.send_in_clear(confirm)
        self.begin_records(client)
        self.expect("Pong")
        if self.last_flags != packets.ENCRYPTED or self.last_format != messages.BINCODE:
            raise packets.WrongPacket("the Pong that opens the connection is bincode, and not compressed")
        self.longest = packets.LONGEST
        return self

    def open_as_daemon(self, trust):
        self.longest = LONGEST_UNOPENED
        daemon = handshake.Daemon(trust, self.expect("SecureHandshakeInit"), now(), os.urandom)
        self.send_in_clear(daemon.response)
        daemon.take(self.expect("SecureHandshakeConfirm"))
        self.begin_records(daemon)
        try:
            trust.judge(daemon.peer)
        except handshake.Refused as refusal:
            self.send_raw(messages.encode(("Failure", 0, 5, str(refusal)), messages.BINCODE))
            raise
        self.send_raw(messages.encode(("Pong",), messages.BINCODE))
        self.longest = packets.LONGEST
        return self

    def send_in_clear(self, message):
        self.send_raw(messages.encode(message, messages.BINCODE))

    def begin_records(self, side):
        self.sending, self.receiving = Direction(side.sending), Direction(side.receiving)
        self.peer = side.peer

    def expect(self, name):
        message = self.receive()
        if message[0] != name:
            raise messages.WrongMessage(f"{message[0]} came where {name} was expected")
        return message

    # The end

    def say_good_bye(self):
        """Sends Disconnect, and nothing more in this direction. (Python's TLS cannot close one direction alone.)"""
        self.send("Disconnect")
        if not isinstance(self.link, ssl.SSLSocket):
            self.link.shutdown(socket.SHUT_WR)

    def expect_end(self):
        """Checks that nothing more arrives."""
        try:
            message = self.receive()
        except Closed:
            return
        raise messages.WrongMessage(f"{message[0]} came where the end was expected")
