#!/usr/bin/env python3
"""How much key changes on some connections delay a ping on another, compared with as many Pongs; `run.py keys` runs it.

    key_changes.py ADDRESS ROUNDS       a `packetbench serve ADDRESS --anonymous --max-connections 2000`; prints JSON

20 000 packets are sealed beforehand and sent at once: all on one connection, or sixteen on each of 1 250, which is as many
changes as a daemon accepts from a peer at once. Another process pings on two connections, so that each of two event loops
has one. The result of a round is the longest ping that was in flight in the meantime. The protocol is that of
Tests/NetworkProtocolPeer (Debian's python3-nacl, python3-msgpack, python3-lz4, python3-zstandard).
"""
import json
import multiprocessing
import os
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../Tests/NetworkProtocolPeer"))
sys.dont_write_bytecode = True

from connection import Connection, dial
from handshake import Trust
from messages import BINCODE, encode

PACKETS, EACH = 20_000, 16
PAUSE = 0.0005
PONG, ECHO = encode(("Pong",), BINCODE), encode(("Echo", "done"), BINCODE)


def connect(address):
    return Connection(dial(address)).open_as_client(Trust())


def ping(address, until, results):
    """Pings until `until` is set; returns start times and durations of the pings in seconds."""
    connections, pings = [connect(address) for _ in range(2)], []
    results.send("ready")
    while not until.is_set():
        for connection in connections:
            begin = time.monotonic()
            connection.send("Ping")
            connection.expect("Pong")
            pings.append((begin, time.monotonic() - begin))
        time.sleep(PAUSE)
    results.send(pings)
    for connection in connections:
        connection.say_good_bye()


def bursts(connections, packets, payload):
    """The bytes of each connection: the packets, then an echo, whose answer shows that they were processed."""
    return [b"".join(connection.packet(payload) for _ in range(packets)) + connection.packet(ECHO) for connection in connections]


def answered(connection):
    """Whether the answer arrived; False if the connection was cut."""
    try:
        return bool(connection.link.recv(4_096))
    except ConnectionError:
        return False


def send(connection, burst):
    try:
        connection.link.sendall(burst)
    except ConnectionError:
        pass


def one_round(address, count, packets, payload):
    """The longest and the median of the pings in flight meanwhile, in seconds; the duration; the connections cut."""
    connections = [connect(address) for _ in range(count)]
    prepared = bursts(connections, packets, payload)
    until, (results, theirs) = multiprocessing.Event(), multiprocessing.Pipe(duplex=False)
    pinging = multiprocessing.Process(target=ping, args=(address, until, theirs))
    pinging.start()
    results.recv()
    time.sleep(0.1)
    begin = time.monotonic()
    for connection, burst in zip(connections, prepared):
        send(connection, burst)
    cut = sum(not answered(connection) for connection in connections)
    end = time.monotonic()
    time.sleep(0.1)
    until.set()
    pings = [length for start, length in results.recv() if start < end and start + length > begin]
    pinging.join()
    for connection in connections:
        connection.link.close()
    return max(pings, default=0.0), statistics.median(pings or [0.0]), end - begin, cut


CASES = {
    "one_changes": (1, PACKETS, b""),
    "one_pongs": (1, PACKETS, PONG),
    "many_changes": (PACKETS // EACH, EACH, b""),
    "many_pongs": (PACKETS // EACH, EACH, PONG),
}


def main():
    address, rounds = sys.argv[1], int(sys.argv[2])
    figures = {name: [] for name in CASES}
    for _ in range(rounds):
        for name, case in CASES.items():
            figures[name].append(one_round(address, *case))
    print(json.dumps({name: [list(column) for column in zip(*rows)] for name, rows in figures.items()}))


if __name__ == "__main__":
    main()
