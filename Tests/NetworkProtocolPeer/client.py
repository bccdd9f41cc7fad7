"""The client's role: tests everything that the document says about a daemon against one of the library's.

The daemon has the commands "reverse", "refuse" ("not today"), "fail" and "who", and sends Data back.
"""
import os

import handshake
import messages
import packets
import tls
from checks import expect, expect_raises
from connection import Closed, Connection, Failed, dial, now
from primitives import NotAuthentic

LONG = b"one and the same text again and again. " * 2_000


class Client:
    def __init__(self, address, trust, format, compression, tls_folder=None):
        self.address, self.trust, self.format, self.compression = address, trust, format, compression
        self.tls_folder = tls_folder
        self.number = 0

    def connect(self, trust=None, timestamp=None):
        link = dial(self.address)
        if self.tls_folder:
            link = tls.wrap(link, self.tls_folder, server_name=self.address.rpartition(":")[0])
        connection = Connection(link, self.format, self.compression)
        trust = trust or self.trust
        return connection.open_as_client(trust, timestamp) if trust else connection

    def request(self, connection, command, payload=b""):
        self.number += 1
        connection.send("Request", self.number, command, payload)
        return self.number

    def ask(self, connection, command, payload=b""):
        """The reply, without its number."""
        number = self.request(connection, command, payload)
        name, id, *rest = connection.receive()
        expect(id, number, f"the number of the reply to {command}")
        return (name, *rest)


def talk(client, who):
    connection = client.connect()
    pings(connection)
    requests(client, connection, who)
    unnumbered(connection)
    formats(client, connection)
    long_messages(client, connection)
    if client.trust:
        key_changes(client, connection)
    connection.say_good_bye()
    expect(connection.receive(), ("Disconnect",), "the answer to Disconnect")
    connection.expect_end()


def pings(connection):
    for _ in range(3):
        connection.send("Ping")
    for _ in range(3):
        expect(connection.receive(), ("Pong",), "the answer to Ping")
    # Unsolicited.
    connection.send("Pong")


def requests(client, connection, who):
    expect(client.ask(connection, "reverse", b"\x00abc\xff"), ("Response", b"\xffcba\x00"), "reverse")
    if who:
        expect(client.ask(connection, "who"), ("Response", who.encode()), "the ID that the daemon knows this client by")
    expect(client.ask(connection, "nothing")[:2], ("Failure", 1), "a command that there is not")
    expect(client.ask(connection, "refuse"), ("Failure", 2, "not today"), "a handler that refuses")
    expect(client.ask(connection, "fail")[:2], ("Failure", 3), "a handler that fails")
    sent = {client.request(connection, "reverse", bytes([0, number])): number for number in range(8)}
    for _ in range(len(sent)):
        name, id, payload = connection.receive()
        expect((name, payload), ("Response", bytes([sent.pop(id), 0])), "one of many replies")
    # Unsolicited replies.
    connection.send("Response", 1 << 40, b"")
    connection.send("Failure", 1 << 40, 99, "")


def unnumbered(connection):
    connection.send("Unknown")
    for message in ("Echo", "grüß \U0001f600"), ("Data", bytes(range(256))), ("Custom", "reverse", b"ab"):
        connection.send(*message)
        back = ("Custom", "reverse", b"ba") if message[0] == "Custom" else message
        expect(connection.receive(), back, f"what comes back for {message[0]}")
    connection.send("Custom", "nothing", b"")
    name, command, _ = connection.receive()
    expect((name, command), ("Custom", "error"), "the answer to Custom of a command that there is not")
    # Never an answer to an answer: the echo is the next message.
    connection.send("Custom", "error", b"")
    connection.send("Echo", "")
    expect(connection.receive(), ("Echo", ""), "what follows an error")


def formats(client, connection):
    """A daemon answers in the format that its peer used last."""
    for format in (messages.MESSAGEPACK, messages.JSON, messages.BINCODE, client.format):
        connection.format = format
        expect(client.ask(connection, "reverse", b"\x01\x80"), ("Response", b"\x80\x01"), "reverse in another format")
        expect(connection.last_format, format, "the format of the answer")
    connection.format = messages.BINCODE
    connection.send("Ping", marked=True)
    expect(connection.receive(), ("Pong",), "the answer to bincode behind its format byte")
    connection.format = client.format


def long_messages(client, connection):
    for compression in (packets.LZ4, packets.ZSTANDARD, 0):
        connection.compression = compression
        expect(client.ask(connection, "reverse", LONG), ("Response", LONG[::-1]), "reverse of a long payload")
        expect(connection.last_flags & 3, client.compression, "the compression of the answer")
    connection.compression = client.compression


def key_changes(client, connection):
    """Sixteen at once are accepted."""
    for number in range(16):
        connection.change_key()
        if number % 5 == 0:
            expect(client.ask(connection, "reverse", b"key"), ("Response", b"yek"), "reverse after a change of the key")
    expect(client.ask(connection, "reverse", b"key"), ("Response", b"yek"), "reverse after sixteen changes of the key")


def refusals(client, stranger, wrong):
    """`stranger` is not admitted, `wrong` has other secrets; None if the daemon's trust has no such case."""
    for skew in (-6_000, 6_000):
        error = expect_raises(Failed, "a clock that is off", lambda: client.connect(timestamp=now() + skew))
        expect(error.code, 6, "the code for a clock that is off")
    if stranger:
        error = expect_raises(Failed, "a stranger", lambda: client.connect(trust=stranger))
        expect(error.code, 5, "the code for a stranger")
    if wrong:
        expect_raises(NotAuthentic, "other secrets", lambda: client.connect(trust=wrong))
    expect_raises(handshake.Refused, "another daemon", lambda: client.connect(trust=no_daemon(client.trust)))
    replayed_init(client)
    hostile_records(client)


def no_daemon(trust):
    return type(trust)(trust.identity, {bytes(32)}, trust.secret)


def replayed_init(client):
    init = handshake.Client(client.trust, now(), os.urandom).init
    first, second = (Connection(dial(client.address)) for _ in range(2))
    first.send_in_clear(init)
    first.expect("SecureHandshakeResponse")
    second.send_in_clear(init)
    error = expect_raises(Failed, "an Init that came before", second.receive)
    expect(error.code, 7, "the code for an Init that came before")


def hostile_records(client):
    """Each of these ends the connection."""

    def repeated(connection):
        packet = connection.packet(messages.encode(("Ping",), messages.BINCODE))
        connection.link.sendall(packet)
        expect(connection.receive(), ("Pong",), "the answer to Ping")
        connection.link.sendall(packet)

    def left_out(connection):
        connection.sending.number += 1
        connection.send("Ping")

    def number_not_from_zero(connection):
        number = connection.sending.number
        connection.change_key()
        connection.sending.number = number + 1
        connection.send("Ping")

    def in_the_clear(connection):
        connection.sending = None
        connection.send("Ping")

    def unknown_message(connection):
        connection.send_raw(b"\x00\x01\x00\x00")

    def handshake_again(connection):
        connection.send("SecureHandshakeConfirm", bytes(113))

    def seventeen_changes(connection):
        for _ in range(17):
            connection.change_key()

    for hostile in (repeated, left_out, number_not_from_zero, in_the_clear, unknown_message, handshake_again, seventeen_changes):
        connection = client.connect()
        try:
            hostile(connection)
        except (BrokenPipeError, ConnectionResetError):
            continue
        expect_raises(Closed, hostile.__name__, connection.receive)
