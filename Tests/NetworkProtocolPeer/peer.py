#!/usr/bin/env python3
"""A peer of the packet protocol, written from Docs/NETWORK-PROTOCOL.md alone, that examines the library; the tests run it.

    peer.py answers DOCUMENT            makes the document's known answers again
    peer.py messages FILE               reads a payload a line, in hexadecimal, and writes it in the three formats
    peer.py client ADDRESS …            says everything to a daemon of the library
    peer.py refusals ADDRESS …          says what a daemon of the library must refuse
    peer.py daemon PLACE …              serves the library's clients
    peer.py member …                    is a member of a cluster of the library

Ends with 0 when all was as the document says. Needs Debian's python3-nacl, python3-msgpack, python3-lz4 and python3-zstandard.
"""
import argparse
import sys

sys.dont_write_bytecode = True

# Read after that, so that no bytecode is left beside them.
import client
import cluster
import daemon
import known_answers
import packets
from checks import write_whole
from handshake import Trust
from messages import FORMATS, decode, encode
from primitives import Identity

COMPRESSIONS = {"none": 0, "lz4": packets.LZ4, "zstd": packets.ZSTANDARD}


def parser():
    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    roles = top.add_subparsers(dest="role", required=True)
    roles.add_parser("answers").add_argument("document")
    roles.add_parser("messages").add_argument("file")
    for name in ("client", "refusals", "daemon"):
        role = roles.add_parser(name)
        role.add_argument("address", help="HOST:PORT or unix:PATH; a daemon takes the host's free port")
        role.add_argument("--plain", action="store_true", help="no handshake")
        role.add_argument("--tls", metavar="FOLDER", help="TLS in its place; with own.pem, own-key.pem, peer.pem")
        role.add_argument("--identity", type=bytes.fromhex, help="private key in hexadecimal")
        role.add_argument("--admit", type=bytes.fromhex, action="append", help="public key that the peer must prove")
        role.add_argument("--secret", type=bytes.fromhex, help="pre-shared key")
        role.add_argument("--format", choices=FORMATS, default="bincode")
        role.add_argument("--compression", choices=COMPRESSIONS, default="none")
        role.add_argument("--who", help="the ID that the daemon must know this client by")
        role.add_argument("--stranger", type=bytes.fromhex, help="private key that the daemon does not admit")
        role.add_argument("--address-file", help="where to write the address once it listens")
        role.add_argument("--count", type=int, default=1, help="connections to serve")
    member = roles.add_parser("member")
    member.add_argument("--key", type=bytes.fromhex, required=True)
    member.add_argument("--name", required=True)
    member.add_argument("--identity", type=bytes.fromhex, required=True)
    member.add_argument("--seed", action="append", default=[])
    member.add_argument("--period", type=float, default=1.0)
    member.add_argument("--ping-timeout", type=float, default=0.3)
    member.add_argument("--count", type=int, required=True, help="members that are there before")
    member.add_argument("--address-file", required=True)
    member.add_argument("--done-file", required=True)
    return top


def trust_of(words, identity=None, secret=None):
    if words.plain or words.tls:
        return None
    identity = identity or words.identity
    return Trust(identity and Identity(identity), words.admit and set(words.admit), secret or words.secret)


def place(text):
    host, _, port = text.rpartition(":")
    return host, int(port)


def main():
    words = parser().parse_args()
    if words.role == "answers":
        print(known_answers.check(words.document), "known answers")
    elif words.role == "messages":
        with open(words.file, encoding="ascii") as file:
            for line in file:
                message, _ = decode(bytes.fromhex(line))
                print(*(encode(message, format).hex() for format in FORMATS.values()))
    elif words.role == "daemon":
        listener, address = daemon.listen(words.address)
        write_whole(words.address_file, address)
        daemon.serve(listener, trust_of(words), words.count, words.tls)
    elif words.role == "member":
        seeds = [place(seed) for seed in words.seed]
        scenario = cluster.Scenario(
            words.key, words.name, Identity(words.identity), seeds, words.period, words.ping_timeout)
        scenario.run(words.count, words.address_file, words.done_file)
    else:
        trust = trust_of(words)
        side = client.Client(words.address, trust, FORMATS[words.format], COMPRESSIONS[words.compression], words.tls)
        if words.role == "client":
            client.talk(side, words.who)
        else:
            stranger = words.stranger and trust_of(words, identity=words.stranger)
            client.refusals(side, stranger, trust_of(words, secret=bytes(range(200, 232))))


main()
