"""The daemon's role: serves one of the library's clients until it sends Disconnect."""
import socket

import messages
import packets
import tls
from checks import expect
from connection import Closed, Connection
from handshake import Refused


def listen(place):
    """A listener on a free TCP port of loopback, or on `unix:PATH`; and its address."""
    if place.startswith("unix:"):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(place[5:])
        listener.listen()
        return listener, place
    listener = socket.create_server(("127.0.0.1", 0))
    return listener, f"127.0.0.1:{listener.getsockname()[1]}"


class Daemon:
    """Changes its key and its compression over time, pings its peer, and sends it a request that no client answers."""

    COMPRESSIONS = (0, packets.LZ4, packets.ZSTANDARD)
    # A client of the library accepts sixteen at once.
    MOST_KEY_CHANGES = 16

    def __init__(self, connection, is_sealed):
        self.connection = connection
        self.is_sealed = is_sealed
        self.answers = self.pings = self.pongs = 0

    def serve(self):
        """Serves until Disconnect; then it has received everything that a client sends."""
        seen = set()
        while True:
            message = self.connection.receive()
            # In the format that the peer used last.
            self.connection.format = self.connection.last_format
            seen.add(message[0])
            if message[0] == "Disconnect":
                break
            self.handle(*message)
        self.connection.say_good_bye()
        try:
            self.connection.receive()
        except Closed:
            pass
        expect(self.pongs, self.pings, "Pongs of the client")
        return seen

    def handle(self, name, *fields):
        if name == "Ping":
            self.connection.send("Pong")
        elif name == "Pong":
            self.pongs += 1
        elif name == "Request":
            self.request(*fields)
        elif name == "Failure":
            expect(fields[:2], (77, 1), "what a client says to a request")
        elif name == "Custom":
            command, payload = fields
            self.answer("Custom", *((command, payload[::-1]) if command == "reverse" else ("error", b"unknown command")))
        elif name in ("Echo", "Data"):
            self.answer(name, *fields)
        else:
            raise messages.WrongMessage(f"{name} of a client")

    def request(self, id, command, payload):
        if command == "ping me":
            self.pings += 1
            self.connection.send("Ping")
            self.connection.send("Request", 77, "anything", b"")
            self.answer("Response", id, b"")
        elif command == "reverse":
            self.answer("Response", id, payload[::-1])
        elif command == "who":
            self.answer("Response", id, self.connection.peer or b"")
        elif command == "refuse":
            self.answer("Failure", id, 2, "not today")
        else:
            self.answer("Failure", id, 1, "unknown command")

    def answer(self, *message):
        self.connection.compression = self.COMPRESSIONS[self.answers % len(self.COMPRESSIONS)]
        if self.is_sealed and self.answers < self.MOST_KEY_CHANGES:
            self.connection.change_key()
        self.answers += 1
        self.connection.send(*message)


def serve(listener, trust, count, tls_folder=None):
    """Serves `count` connections, one after the other; a refused one also counts."""
    for _ in range(count):
        link, _ = listener.accept()
        if tls_folder:
            link = tls.wrap(link, tls_folder)
        with link:
            connection = Connection(link)
            try:
                if trust:
                    connection.open_as_daemon(trust)
            except Refused as refusal:
                print(f"refused: {refusal}", flush=True)
                continue
            except Closed:
                print("closed in the handshake", flush=True)
                continue
            print("served", *sorted(Daemon(connection, trust is not None).serve()), flush=True)
