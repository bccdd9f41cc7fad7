#!/usr/bin/env python3
"""A peer of the courier protocol, written from Docs/COURIER-PROTOCOL.md alone.

    pip install noiseprotocol blake3 cryptography
    peer.py send TICKET FILE…                     as initiator; ends when all files are received
    peer.py receive FOLDER [--known CHUNKS]       as responder; prints a ticket and takes one transfer

Both print JSON at the end. The exit code is 0 if every entry is verified.
"""

import argparse
import json
import os
import secrets
import socket
import stat
import struct
import sys
import time

from blake3 import blake3
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

import handshake
import tree
from session import PAYLOAD, Ordered, Session, Violation
from tree import CHUNK

SMALL = 65_536
OFFER, ACCEPT, REFUSE, ENTRY, END, WANT, VALUES, ROOT, RECEIVED, FAILED, RECEIPT, WANT_SMALL, VERIFIED = range(1, 14)
FILE, FOLDER, LINK = 1, 2, 3
BULK, PACK = 1, 2
STATUS = ("verified", "skipped", "failed")


def spans(numbers: list[int]) -> list[tuple[int, int]]:
    """Ascending numbers as (first, count)."""
    result: list[tuple[int, int]] = []
    for number in numbers:
        if result and sum(result[-1]) == number:
            result[-1] = (result[-1][0], result[-1][1] + 1)
        else:
            result.append((number, 1))
    return result


class Receipts:
    """This end's part in the receipts of a session."""

    def __init__(self, identity: Ed25519PrivateKey, peer: bytes):
        self.identity, self.peer = identity, peer

    def statement(self, is_sender: bool, moment: int, flags: int, files: list[tuple[bytes, int, bytes]]) -> bytes:
        """Of the files' paths, sizes and digests, in the order of their entries."""
        ends = [self.identity.public_key().public_bytes_raw(), self.peer]
        head = b"courier/1 receipt" + b"".join(ends if is_sender else ends[::-1])
        if len(files) == 1:
            digest = files[0][2]
        else:
            lines = (len(path).to_bytes(2, "big") + path + size.to_bytes(8, "big") + own for path, size, own in files)
            digest = blake3(b"".join(lines)).digest()
        return head + struct.pack(">QBIQ", moment, flags, len(files), sum(size for _, size, _ in files)) + digest

    def check(self, signature: bytes, statement: bytes) -> None:
        try:
            Ed25519PublicKey.from_public_bytes(self.peer).verify(signature, statement)
        except InvalidSignature:
            raise Violation("RECEIPT that the peer has not signed") from None


class Sender:
    def __init__(self, session: Session, receipts: Receipts, paths: list[str], stop_after: int | None, vanishes: bool):
        self.session, self.receipts, self.paths, self.vanishes = session, receipts, paths, vanishes
        self.receipt = None
        session.most_data = stop_after or session.most_data
        self.status: dict[int, str] = {}
        self.pack: list[bytes] = []
        self.packed = 0
        self.pack_stream = None
        self.wants: list[tuple[int, list]] = []
        self.valued: dict[int, list[bytes]] = {}
        self.asked: list = []
        # One entry with no folder is the file itself.
        name = os.path.basename(paths[0]) if len(paths) == 1 else "files"
        session.message(OFFER, secrets.token_bytes(16) + bytes([len(paths) == 1]) + name.encode())
        # A receiver accepts when it knows all entries.
        self.entries()

    def entries(self) -> None:
        total = 0
        for number, path in enumerate(self.paths):
            info, name = os.stat(path), os.path.basename(path).encode()
            seconds, nanoseconds = divmod(info.st_mtime_ns, 10**9)
            head = struct.pack(">IBIqIQ", number, FILE, info.st_mode & 0o7777, seconds, nanoseconds, info.st_size)
            self.session.message(ENTRY, head + struct.pack(">H", len(name)) + name + bytes(2))
            total += info.st_size
        self.session.message(END, struct.pack(">IQ", len(self.paths), total))

    def on_message(self, type: int, body: bytes) -> None:
        if type == ACCEPT:
            pass
        elif type == REFUSE:
            self.session.close(0, "refused: " + body[4:].decode())
        elif type == WANT_SMALL:
            for first, count in struct.iter_unpack(">II", body):
                self.pack += [self.record(number) for number in range(first, first + count)]
            if not self.pack_stream:
                self.pack_stream = self.session.open_stream(PACK, 0, self.pack_frames())
        elif type == WANT:
            entry, ranges = int.from_bytes(body[:4], "big"), list(struct.iter_unpack(">QQ", body[4:]))
            self.asked.append([entry, ranges])
            self.wants.append((entry, ranges))
        elif type == RECEIVED:
            entry, status = struct.unpack_from(">IB", body)
            self.status[entry] = STATUS[status] + (": " + body[5:].decode() if body[5:] else "")
        elif type == VERIFIED:
            for first, count in struct.iter_unpack(">II", body):
                self.status |= {number: STATUS[0] for number in range(first, first + count)}
        elif type == RECEIPT and self.vanishes:
            # As one that is killed: nothing more goes out.
            os._exit(0)
        elif type == RECEIPT and self.receipt is None and len(self.status) == len(self.paths):
            moment, flags, signature = struct.unpack(">QB64s", body)
            statement = self.receipts.statement(True, moment, flags, self.verified())
            self.receipts.check(signature, statement)
            self.receipt = [moment, flags]
            self.session.message(RECEIPT, body[:9] + self.receipts.identity.sign(statement))
        else:
            raise Violation(f"message {type} from a receiver")

    def verified(self) -> list[tuple[bytes, int, bytes]]:
        files = []
        for number, path in enumerate(self.paths):
            if self.status.get(number) == STATUS[0]:
                with open(path, "rb") as file:
                    data = file.read()
                files.append((os.path.basename(path).encode(), len(data), tree.digest(data)))
        return files

    def record(self, number: int) -> bytes:
        with open(self.paths[number], "rb") as file:
            data = file.read()
        if len(data) > SMALL:
            raise Violation("WANT SMALL of a large file")
        return struct.pack(">II", number, len(data)) + tree.digest(data) + data

    def pack_frames(self):
        while True:
            if not self.pack:
                yield None
                continue
            piece = self.pack[0][:PAYLOAD]
            self.pack[0] = self.pack[0][PAYLOAD:]
            if not self.pack[0]:
                self.pack.pop(0)
            yield self.packed, piece, False
            self.packed += len(piece)

    def bulk_frames(self, entry: int, ranges: list):
        with open(self.paths[entry], "rb") as file:
            data = file.read()
        wanted = [chunk for first, count in ranges for chunk in range(first, first + count)]
        for chunk in wanted:
            end = min((chunk + 1) * CHUNK, len(data))
            for offset in range(chunk * CHUNK, end, PAYLOAD):
                piece = data[offset : min(offset + PAYLOAD, end)]
                last = chunk == wanted[-1] and offset + len(piece) == end
                if last:
                    self.finish(entry, data)
                yield offset, piece, last

    def finish(self, entry: int, data: bytes) -> None:
        """Values and root, once for a file; short messages, so that several are tried."""
        if entry in self.valued:
            return
        values = self.valued[entry] = tree.chunk_values(data)
        for first in range(0, len(values), 3):
            self.session.message(VALUES, struct.pack(">IQ", entry, first) + b"".join(values[first : first + 3]))
        self.session.message(ROOT, struct.pack(">IQ", entry, len(data)) + tree.root_of(values))

    def on_data(self, stream, offset: int, payload: bytes) -> None:
        raise Violation("DATA from a receiver")

    def tick(self) -> None:
        # At most 64 streams are open; one is for small files.
        while self.wants and len(self.session.streams) < 63:
            entry, ranges = self.wants.pop(0)
            if ranges:
                self.session.open_stream(BULK, entry, self.bulk_frames(entry, ranges))
            else:
                with open(self.paths[entry], "rb") as file:
                    self.finish(entry, file.read())
        if self.session.data_sent + PAYLOAD > self.session.most_data and not self.session.flight:
            self.session.close(3, "stopped")
        elif len(self.status) == len(self.paths) and (self.receipt or STATUS[0] not in self.status.values()):
            # The receiver needs the answer.
            if not self.session.flight:
                self.session.close(0, "done")

    def result(self) -> dict:
        entries = {os.path.basename(path): self.status.get(number) for number, path in enumerate(self.paths)}
        return {"entries": entries, "wants": self.asked, "receipt": self.receipt}


class Entry:
    def __init__(self, body: bytes):
        head = struct.unpack_from(">IBIqIQH", body)
        self.number, self.kind, self.mode, seconds, nanoseconds, self.size, length = head
        self.path = body[31 : 31 + length]
        target = int.from_bytes(body[31 + length : 33 + length], "big")
        self.target = body[33 + length : 33 + length + target]
        self.time = seconds * 10**9 + nanoseconds
        parts = self.path.split(b"/")
        bad = any(part in (b"", b".", b"..") for part in parts)
        if bad or self.kind not in (FILE, FOLDER, LINK) or len(body) != 33 + length + target or nanoseconds >= 10**9:
            raise Violation("entry")
        self.count = max(1, -(-self.size // CHUNK))  # of chunks
        self.data, self.got, self.wanted = None, None, 0
        self.values: list[bytes] = []
        self.root = self.status = self.asked = None


class Receiver:
    def __init__(self, session: Session, receipts: Receipts, folder: str, known: list[int]):
        self.session, self.receipts, self.folder, self.known = session, receipts, os.fsencode(folder), known
        self.receipt = self.statement = None
        self.entries: list[Entry] = []
        self.offer = self.complete = None
        self.pack, self.record = None, b""
        self.wants, self.values_seen = [], 0

    def place(self, entry: Entry) -> bytes:
        """The entry's place; never through a symbolic link."""
        parts = entry.path.split(b"/")
        for count in range(1, len(parts)):
            if not stat.S_ISDIR(os.lstat(os.path.join(self.folder, *parts[:count])).st_mode):
                raise Violation("no folder")
        return os.path.join(self.folder, entry.path)

    def on_message(self, type: int, body: bytes) -> None:
        if type == OFFER and self.offer is None:
            self.offer = {"flags": body[16], "name": body[17:].decode()}
            self.session.message(ACCEPT)
        elif type == ENTRY and not self.complete:
            entry = Entry(body)
            if entry.number != len(self.entries):
                raise Violation("number of an entry")
            self.entries.append(entry)
        elif type == END:
            files = [entry for entry in self.entries if entry.kind == FILE]
            if struct.unpack(">IQ", body) != (len(self.entries), sum(entry.size for entry in files)):
                raise Violation("END does not count right")
            self.complete = True
            self.ask(files)
        elif type == VALUES:
            entry, first = self.entries[int.from_bytes(body[:4], "big")], int.from_bytes(body[4:12], "big")
            if first != len(entry.values) or len(body) % 32 != 12:
                raise Violation("VALUES not in order")
            entry.values += [body[place : place + 32] for place in range(12, len(body), 32)]
            self.values_seen += 1
        elif type == ROOT:
            number, size = struct.unpack_from(">IQ", body)
            entry = self.entries[number]
            if size != entry.size:
                raise Violation("ROOT of another size")
            entry.root = body[12:]
        elif type == FAILED:
            self.report(self.entries[int.from_bytes(body[:4], "big")], "failed there: " + body[8:].decode())
        elif type == RECEIPT and self.statement and self.receipt is None:
            if body[:9] != self.moment + bytes(1):
                raise Violation("RECEIPT of another time")
            self.receipts.check(body[9:], self.statement)
            self.receipt = [int.from_bytes(self.moment, "big"), body[8]]
        else:
            raise Violation(f"message {type} from a sender")

    def ask(self, files: list[Entry]) -> None:
        made = []
        for entry in self.entries:
            if entry.kind == FOLDER:
                os.makedirs(self.place(entry), exist_ok=True)
            elif entry.kind == LINK:
                os.symlink(entry.target, self.place(entry))
                os.utime(self.place(entry), ns=(entry.time, entry.time), follow_symlinks=False)
            if entry.kind != FILE:
                entry.status = STATUS[0]
                made.append(entry.number)
        self.verified(made)
        small = spans([entry.number for entry in files if entry.size <= SMALL])
        for start in range(0, len(small), 1024):
            body = b"".join(struct.pack(">II", *span) for span in small[start : start + 1024])
            self.session.message(WANT_SMALL, body)
        for entry in files:
            if entry.size > SMALL:
                entry.data, known = bytearray(entry.size), []
                if self.known and os.path.exists(self.place(entry)):
                    with open(self.place(entry), "rb") as file:
                        part = file.read(entry.size)
                    entry.data[: len(part)] = part
                    known = [chunk for chunk in self.known if chunk < entry.count]
                self.want(entry, [chunk for chunk in range(entry.count) if chunk not in known])

    def want(self, entry: Entry, chunks: list[int]) -> None:
        entry.asked, entry.got = chunks, {chunk: 0 for chunk in chunks}
        entry.ranges, entry.wanted = spans(chunks), entry.wanted + 1
        body = b"".join(struct.pack(">QQ", *span) for span in entry.ranges)
        self.session.message(WANT, entry.number.to_bytes(4, "big") + body)
        self.wants.append([entry.number, entry.ranges])

    def verified(self, numbers: list[int]) -> None:
        if numbers:
            self.session.message(VERIFIED, b"".join(struct.pack(">II", *span) for span in spans(numbers)))

    def report(self, entry: Entry, status: str) -> None:
        entry.status = status
        code = STATUS.index(status) if status in STATUS else 2
        self.session.message(RECEIVED, struct.pack(">IB", entry.number, code))

    def on_data(self, stream, offset: int, payload: bytes) -> None:
        if stream.kind == PACK:
            if self.pack is None:
                self.pack = Ordered()
            self.record += self.pack.add(offset, payload)
            self.unpack()
            return
        entry = self.entries[stream.entry]
        chunk = offset // CHUNK
        if payload and (entry.data is None or chunk not in entry.got or offset + len(payload) > entry.size):
            raise Violation("DATA that was not asked for")
        entry.data[offset : offset + len(payload)] = payload
        wanted = [(chunk * CHUNK, min((chunk + 1) * CHUNK, entry.size)) for chunk in entry.asked]
        if stream.ended and all(stream.ranges.covers(*span) for span in wanted):
            stream.over = True
            entry.asked = None

    def unpack(self) -> None:
        done = []
        while len(self.record) >= 40:
            number, size = struct.unpack_from(">II", self.record)
            entry = self.entries[number] if number < len(self.entries) else None
            if not entry or entry.kind != FILE or size != entry.size or size > SMALL or entry.status:
                raise Violation("record")
            if len(self.record) < 40 + size:
                break
            digest, data, self.record = self.record[8:40], self.record[40 : 40 + size], self.record[40 + size :]
            if tree.digest(data) == digest:
                self.write(entry, data)
                done.append(number)
            else:
                self.report(entry, STATUS[2])
        self.verified(done)

    def write(self, entry: Entry, data: bytes) -> None:
        place = self.place(entry)
        if os.path.lexists(place):
            os.remove(place)
        with open(place, "wb") as file:
            file.write(data)
        os.chmod(place, entry.mode & 0o777)
        os.utime(place, ns=(entry.time, entry.time))
        entry.status, entry.digest = STATUS[0], tree.digest(data)

    def tick(self) -> None:
        for entry in self.entries:
            through = entry.data is not None and (entry.asked is None or not entry.asked)
            if entry.status or not through or not entry.root or len(entry.values) < entry.count:
                continue
            mine = tree.chunk_values(bytes(entry.data))
            wrong = [chunk for chunk in range(entry.count) if mine[chunk] != entry.values[chunk]]
            if wrong and entry.wanted < 8 and not set(wrong) & set(entry.got):
                self.want(entry, wrong)
            elif wrong or tree.root_of(mine) != entry.root:
                self.report(entry, STATUS[2])
            else:
                self.write(entry, bytes(entry.data))
                self.report(entry, STATUS[0])
        if self.complete and all(entry.status for entry in self.entries):
            self.sign()
            # Folders get their times last, as files in them change these.
            for entry in reversed(self.entries):
                if entry.kind == FOLDER:
                    os.chmod(self.place(entry), entry.mode & 0o777)
                    os.utime(self.place(entry), ns=(entry.time, entry.time))
            # The sender's CLOSE may be lost, and the sender gone.
            if (self.receipt or not self.statement) and not self.session.flight:
                self.session.close(0, "done")

    def sign(self) -> None:
        files = [
            (entry.path, entry.size, entry.digest)
            for entry in self.entries
            if entry.kind == FILE and entry.status == STATUS[0]
        ]
        if files and not self.statement:
            self.moment = int(time.time()).to_bytes(8, "big")
            self.statement = self.receipts.statement(False, int.from_bytes(self.moment, "big"), 0, files)
            self.session.message(RECEIPT, self.moment + bytes(1) + self.receipts.identity.sign(self.statement))

    def result(self) -> dict:
        entries = {os.fsdecode(entry.path): entry.status for entry in self.entries}
        result = {"offer": self.offer, "entries": entries, "wants": self.wants, "values": self.values_seen}
        return result | {"receipt": self.receipt}


def flood(ticket: handshake.Ticket, host: handshake.Host) -> None:
    """Handshakes that are not finished, from ten addresses, so that the responder asks for cookies."""
    for last in range(2, 12):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((f"127.0.0.{last}", 0))
            for _ in range(8):
                sock.sendto(handshake.first_message(host, None)[1], ticket.address)


def main() -> int:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    send, receive = commands.add_parser("send"), commands.add_parser("receive")
    send.add_argument("ticket")
    send.add_argument("files", nargs="+")
    send.add_argument("--stop-after", type=int, help="cancel after so many bytes of file data")
    send.add_argument("--vanish", action="store_true", help="end without a word instead of signing the receipt")
    send.add_argument("--flood", action="store_true", help="make the responder ask for cookies")
    receive.add_argument("folder")
    receive.add_argument("--known", default="", help="chunks of large files that are there already, as 0,2")
    receive.add_argument("--cookies", action="store_true", help="ask for cookies")
    for command in (send, receive):
        command.add_argument("--suite1", action="store_true", help="offer suite 1 only")
        command.add_argument("--rekey-every", type=int, help="start a new epoch after so many packets")
        command.add_argument("--move-every", type=int, help="go to another address after so many packets")
        command.add_argument("--loss", type=float, default=0, help="share of datagrams that are dropped")
        command.add_argument("--timeout", type=float, default=60, help="seconds")
        command.add_argument("--key", help="seed of this end's identity, in hexadecimal")
    options = parser.parse_args()
    seed = bytes.fromhex(options.key) if options.key else secrets.token_bytes(32)
    identity = Ed25519PrivateKey.from_private_bytes(seed)
    suites = b"\1" if options.suite1 else b"\1\2"
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    if options.command == "send":
        ticket = handshake.Ticket.read(options.ticket)
        host = handshake.Host(handshake.INITIATOR, ticket, identity, suites)
        if options.flood:
            flood(ticket, host)
        established, begin = handshake.initiate(sock, host)
    else:
        eid = identity.public_key().public_bytes_raw()
        ticket = handshake.Ticket(eid, secrets.token_bytes(16), sock.getsockname())
        host = handshake.Host(handshake.RESPONDER, ticket, identity, suites)
        print(ticket.text(), flush=True)
        established, begin = handshake.respond(sock, host, options.cookies, options.timeout)
    session = Session(sock, established, options.loss, options.rekey_every, options.move_every)
    receipts = Receipts(identity, established.peer)
    if options.command == "send":
        app = Sender(session, receipts, options.files, options.stop_after, options.vanish)
    else:
        app = Receiver(session, receipts, options.folder, [int(chunk) for chunk in options.known.split(",") if chunk])
    code, reason, side = session.run(app, options.timeout)
    result = app.result()
    result |= {"closed": [code, reason, side], "suite": session.suite, "epoch": session.out.number, "handshake": begin}
    result |= {"data_sent": session.data_sent, "data_received": session.data_received} | session.statistics
    print(json.dumps(result))
    return 0 if code == 0 and set(result["entries"].values()) == {STATUS[0]} else 1


if __name__ == "__main__":
    sys.exit(main())
