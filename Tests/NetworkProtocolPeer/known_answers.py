"""Computes the known answers in Docs/NETWORK-PROTOCOL.md from their inputs, and compares them."""
import re

import handshake
import swim
from messages import BINCODE, encode
from packets import header
from primitives import Identity
from records import Direction


def read(path):
    """Names and bytes of the document's blocks under "Known answers"."""
    with open(path, encoding="utf-8") as file:
        section = file.read().split("\n## Known answers\n")[1].split("\n## ")[0]
    answers = {}
    for block in section.split("```")[1::2]:
        name = None
        for line in block.strip("\n").split("\n"):
            start, text = re.fullmatch(r"(\S.*?)?  +([0-9a-f]+)", line).groups()
            name = start or name
            answers[name] = answers.get(name, b"") + bytes.fromhex(text)
    return answers


def packet(message):
    payload = encode(message, BINCODE)
    return header(0, len(payload)) + payload


def number(data):
    return int.from_bytes(data, "big")


def make_handshake(given):
    def random(*names):
        values = [given[name] for name in names]
        return lambda count: values.pop(0)

    client_identity, daemon_identity = (Identity(given[f"{side} identity, private"]) for side in ("client", "daemon"))
    secret = given["pre-shared key"]
    client = handshake.Client(
        handshake.Trust(client_identity, {daemon_identity.public}, secret), number(given["timestamp"]),
        random("client ephemeral, private", "client nonce"))
    daemon = handshake.Daemon(
        handshake.Trust(daemon_identity, {client_identity.public}, secret), client.init, number(given["timestamp"]),
        random("daemon ephemeral, private", "daemon nonce"))
    confirm = client.confirm(daemon.response)
    daemon.take(confirm)
    daemon.trust.judge(daemon.peer)
    assert (client.sending, client.receiving) == (daemon.receiving, daemon.sending)
    from_client, from_daemon = Direction(client.sending), Direction(daemon.sending)
    ping, pong = (encode((name,), BINCODE) for name in ("Ping", "Pong"))
    return {
        "client identity, public": client_identity.public, "daemon identity, public": daemon_identity.public,
        "packet with Init": packet(client.init), "th1": client.keys.th1, "secret": client.keys.secret,
        "daemon challenge key": client.keys.daemon_challenge_key, "client challenge key": client.keys.client_challenge_key,
        "packet with Response": packet(daemon.response), "th2": client.th2, "packet with Confirm": packet(confirm),
        "th3": client.th3, "daemon traffic key": daemon.sending, "client traffic key": client.sending,
        "daemon record key": from_daemon.key, "daemon record prefix": from_daemon.prefix,
        "daemon record 0: Pong": from_daemon.seal(pong), "client record 0: Ping": from_client.seal(ping),
        "client record 1: empty": from_client.seal(b""), "client next traffic key": from_client.traffic_key,
        "client record 0: Ping again": from_client.seal(ping),
    }


def make_datagram(given):
    keys = swim.ClusterKeys(given["cluster key"], given["cluster name"].decode())
    members = [(given["sender"], number(given["sender's incarnation"])), (given["target"], number(given["target's incarnation"]))]
    updates = [
        swim.Update(swim.ALIVE, *members[0], ("192.0.2.1", 7000), 7001),
        swim.Update(swim.SUSPECT, *members[1], accusers=[given["sender"][:4]]),
    ]
    message = swim.encode(swim.PING, given["sender"], (number(given["sequence"]), given["target"]), updates)
    return {
        "sealing key": keys.key, "fingerprint": keys.fingerprint, "messaging pre-shared key": keys.messaging,
        "message": message, "datagram": keys.seal(message, number(given["time"]), given["datagram nonce"]),
        "digest": swim.digest(members).to_bytes(8, "big"),
    }


def check(path):
    given = read(path)
    made = make_handshake(given) | make_datagram(given)
    for name, value in made.items():
        assert given.get(name) == value, f"{name}: the document has {given.get(name, b'').hex()}, this peer {value.hex()}"
    assert swim.ClusterKeys(given["cluster key"], "test").open(given["datagram"])[0] == given["message"]
    return len(made)
