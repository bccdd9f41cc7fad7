"""Section 4: acknowledgments, streams, credit, new keys. Loss: a fixed timeout and a small window."""

import bisect
import random
import secrets
import select
import socket
import struct
import time
from enum import IntEnum
from typing import NamedTuple

from handshake import CONTROL_CREDIT, CREDIT, IDLE, INITIATOR, Established
from keys import Epoch, HiddenKeyPair, decode, next_root

SYN, FIN, CMP, CRITICAL, ECN = 0x01, 0x02, 0x10, 0x20, 0x80
PTO, IN_FLIGHT, PAYLOAD, CHUNK = 0.2, 48, 1420, 262_144



class Type(IntEnum):
    DATA = 1
    ACK = 2
    CONTROL = 3
    REKEY = 4
    PING = 5
    PONG = 6
    CLOSE = 7
    PAD = 8
    STREAM_OPEN = 9
    STREAM_CLOSE = 10
    STREAM_RESET = 11
    WINDOW_UPDATE = 12
    GOAWAY = 13
    PATH_CHALLENGE = 14
    PATH_RESPONSE = 15


class Violation(Exception):
    pass


class Frame(NamedTuple):
    type: int
    payload: bytes = b""
    stream: int = 0
    offset: int = 0
    flags: int = 0
    use: int = 0


class Ranges:
    """A set of numbers, as ascending half-open ranges."""

    def __init__(self):
        self.list: list[list[int]] = []

    def add(self, low: int, high: int) -> int:
        """How many numbers are new."""
        first = bisect.bisect_left(self.list, low, key=lambda r: r[1])
        last = bisect.bisect_right(self.list, high, key=lambda r: r[0])
        old = self.list[first:last]
        known = sum(max(0, min(high, r[1]) - max(low, r[0])) for r in old)
        self.list[first:last] = [[min([low] + [r[0] for r in old]), max([high] + [r[1] for r in old])]]
        return high - low - known

    def covers(self, low: int, high: int) -> bool:
        return low == high or any(r[0] <= low and high <= r[1] for r in self.list)


class Ordered:
    """Bytes of a stream in order, from pieces in any order."""

    def __init__(self):
        self.ranges, self.pieces, self.taken = Ranges(), {}, 0

    def add(self, offset: int, data: bytes) -> bytes:
        self.ranges.add(offset, offset + len(data))
        if len(data) > len(self.pieces.get(offset, b"")):
            self.pieces[offset] = data
        result = b""
        # Pieces may overlap, if the sender cuts anew what it repeats.
        for start in sorted(self.pieces):
            if start > self.taken:
                break
            piece = self.pieces.pop(start)[self.taken - start :]
            result += piece
            self.taken += len(piece)
        return result


class Outgoing:
    """A stream that this end sends."""

    def __init__(self, number: int, use: int, frames):
        self.number, self.use, self.frames = number, use, frames
        self.unacknowledged, self.ended, self.end = 0, False, 0


class Incoming:
    """A use of a stream number by the peer."""

    def __init__(self, use: int, kind: int, entry: int):
        self.use, self.kind, self.entry, self.over = use, kind, entry, False
        self.ranges, self.ended = Ranges(), False


class Session:
    MOST_MOVES = 12

    def __init__(self, sock, established: Established, loss: float = 0, rekey_every: int | None = None,
                 move_every: int | None = None):  # fmt: skip
        self.sock, self.role, self.suite = sock, established.role, established.suite
        self.address, self.third, self.theirs = established.address, established.third, established.theirs
        self.root, self.loss = established.root, loss
        self.rekey_every = self.rekey_at = rekey_every
        self.move_every = move_every
        self.out = Epoch(self.root, self.suite, self.role, 0, 0)
        self.epochs = [Epoch(self.root, self.suite, 3 - self.role, 0, 0)]  # of the peer's packets
        self.offer = self.next_out = self.forget_at = None
        self.next = self.highest = 0
        self.seen, self.acks, self.ack_due = set(), Ranges(), False
        self.flight: dict[int, tuple[Frame, float]] = {}
        self.urgent: list[Frame] = []
        self.streams: list[Outgoing] = []
        self.uses: dict[int, int] = {}
        self.incoming: dict[int, Incoming] = {}
        self.control_in, self.control_buffer = Ordered(), b""
        self.control_out, self.control_sent = b"", 0
        self.credit, self.control_credit = self.theirs[CREDIT], self.theirs[CONTROL_CREDIT]
        self.data_sent, self.data_received, self.most_data = 0, 0, 2**64
        self.window = self.granted = established.mine[CREDIT]
        self.control_window = self.control_granted = established.mine[CONTROL_CREDIT]
        self.closed, self.closing, self.opened = None, None, False
        self.idle = min(established.mine[IDLE], self.theirs[IDLE]) / 1000
        self.heard = self.third_at = time.monotonic()
        self.statistics = {"sent": 0, "received": 0, "repeated": 0, "dropped": 0, "reused": 0, "rekeys": 0, "moves": 0, "challenges": 0}
        self.send(0x25, b"an extension that the peer skips")
        if self.role != INITIATOR:
            self.ping()

    # Sending

    def transmit(self, frame: Frame) -> None:
        if frame.type not in (Type.ACK, Type.PAD, Type.CLOSE):
            self.flight[self.next] = (frame, time.monotonic())
        text = struct.pack(">BBHIQHH", frame.type, frame.flags, frame.stream, self.next & 0xFFFFFFFF, frame.offset,
                           len(frame.payload), frame.use) + frame.payload  # fmt: skip
        # Padding of any length is allowed.
        is_path = frame.type in (Type.PATH_CHALLENGE, Type.PATH_RESPONSE)
        padding = 1148 - len(frame.payload) if is_path else secrets.randbelow(40)
        text += bytes(min(padding, PAYLOAD - len(frame.payload)))
        self.send_raw(self.out.seal(self.next, text))
        self.next += 1
        self.statistics["sent"] += 1
        if self.rekey_every and self.next >= self.rekey_at and not self.offer:
            self.rekey()
        if self.move_every and self.next % self.move_every == 0 and self.statistics["moves"] < self.MOST_MOVES:
            self.move()

    def move(self) -> None:
        """To another port, or another host as well. The old one is gone; who only acknowledges would be silent."""
        self.statistics["moves"] += 1
        self.sock.close()
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((f"127.0.0.{1 + self.statistics['moves'] // 2 % 2}", 0))
        self.ping()

    def send_raw(self, datagram: bytes) -> None:
        if random.random() < self.loss:
            self.statistics["dropped"] += 1
            return
        self.sock.sendto(datagram, self.address)

    def send(self, type: int, payload: bytes, **fields) -> None:
        self.urgent.append(Frame(type, payload, **fields))

    def message(self, type: int, body: bytes = b"") -> None:
        assert len(body) <= 65_536
        self.control_out += bytes([type]) + len(body).to_bytes(4, "big") + body

    def ping(self) -> None:
        self.send(Type.PING, secrets.token_bytes(16))

    def open_stream(self, kind: int, entry: int, frames) -> Outgoing:
        """Takes the lowest free number. frames yields (offset, bytes, whether it is the last); None: not yet."""
        busy = {stream.number for stream in self.streams}
        assert len(busy) < 64, "too many streams"
        number = next(n for n in range(1 if self.role == INITIATOR else 2, 129, 2) if n not in busy)
        use = self.uses.get(number, -1) + 1
        self.uses[number] = use & 0xFFFF
        self.statistics["reused"] += use > 0
        stream = Outgoing(number, self.uses[number], frames)
        stream.unacknowledged = 1
        self.streams.append(stream)
        self.send(Type.STREAM_OPEN, bytes([kind]) + entry.to_bytes(4, "big"), stream=number, flags=SYN, use=stream.use)
        return stream

    def pump(self) -> None:
        if self.ack_due:
            self.ack_due = False
            self.transmit(self.acknowledgment())
        while len(self.flight) < IN_FLIGHT:
            if self.urgent:
                self.transmit(self.urgent.pop(0))
            elif self.control_out and self.control_sent < self.control_credit:
                size = min(PAYLOAD, len(self.control_out), self.control_credit - self.control_sent)
                self.transmit(Frame(Type.CONTROL, self.control_out[:size], offset=self.control_sent))
                self.control_out, self.control_sent = self.control_out[size:], self.control_sent + size
            elif not self.pump_data():
                return

    def pump_data(self) -> bool:
        for stream in self.streams:
            if stream.ended or self.data_sent + PAYLOAD > min(self.credit, self.most_data):
                continue
            if (piece := next(stream.frames, None)) is None:
                continue
            offset, data, stream.ended = piece
            stream.unacknowledged += 1
            self.data_sent += len(data)
            stream.end = max(stream.end, offset + len(data))
            flags = FIN if stream.ended else 0
            self.transmit(Frame(Type.DATA, data, stream=stream.number, offset=offset, flags=flags, use=stream.use))
            # The others come first next time.
            self.streams.remove(stream)
            self.streams.append(stream)
            return True
        return False

    def acknowledgment(self) -> Frame:
        runs = [(low, high - 1) for low, high in self.acks.list[:-33:-1]]
        largest, length = runs[0][1], runs[0][1] - runs[0][0]
        gaps, count = b"", 0
        for (above, _), (low, high) in zip(runs, runs[1:]):
            gaps += struct.pack(">HH", above - high - 2, min(high - low, 0xFFFF))
            count += 1
            if high - low > 0xFFFF:
                break
        return Frame(Type.ACK, struct.pack(">IIBI", largest & 0xFFFFFFFF, 0, count, length) + gaps)

    def repeat_lost(self) -> None:
        now = time.monotonic()
        for number in [number for number, (_, sent) in self.flight.items() if now - sent > PTO]:
            frame, _ = self.flight.pop(number)
            self.urgent.append(frame)
            self.statistics["repeated"] += 1
        if not self.opened and self.role == INITIATOR and now - self.third_at > PTO:
            self.third_at = now
            self.send_raw(self.third)

    def rekey(self) -> None:
        """Starts epoch e + 1, or answers the peer that does."""
        number, base = self.out.number + 1, self.next >> 16
        self.offer = {"pair": HiddenKeyPair.generate(), "base": base, "acknowledged": False}
        self.send(Type.REKEY, self.offer["pair"].public_bytes + number.to_bytes(4, "big") + base.to_bytes(8, "big"))

    def on_rekey(self, payload: bytes) -> None:
        if len(payload) != 44:
            raise Violation("REKEY of a wrong length")
        theirs, number, base = payload[:32], *struct.unpack(">IQ", payload[32:])
        if number <= self.out.number or self.next_out:
            return  # again
        if number != self.out.number + 1:
            raise Violation("REKEY of a wrong epoch")
        if not self.offer:
            self.rekey()
        mine = self.offer["pair"].public_bytes
        try:
            shared = self.offer["pair"].private.exchange(decode(theirs))
        except ValueError:
            raise Violation("REKEY with a key of low order") from None
        both = (mine, theirs) if self.role == INITIATOR else (theirs, mine)
        self.root = next_root(self.root, shared, *both, number)
        self.next_out = Epoch(self.root, self.suite, self.role, number, self.offer["base"])
        self.epochs.append(Epoch(self.root, self.suite, 3 - self.role, number, base))

    def switch(self) -> None:
        if self.next_out:
            self.out, self.next_out, self.offer = self.next_out, None, None
            self.rekey_at = self.next + (self.rekey_every or 0)
            self.statistics["rekeys"] += 1

    def close(self, code: int, reason: str = "") -> None:
        if not self.closing:
            self.closing, self.close_sent = Frame(Type.CLOSE, code.to_bytes(4, "big") + reason.encode()[:256]), 1
            self.transmit(self.closing)
            self.closed = (code, reason, "here")

    # Receiving

    def receive(self, datagram: bytes, app) -> None:
        if datagram == self.third:
            return self.ping()
        epoch = next((epoch for epoch in self.epochs if datagram[:8] in epoch.ids), None)
        opened = epoch.open(datagram) if epoch and len(datagram) >= 52 else None
        if opened is None or opened[0] in self.seen or opened[0] <= self.highest - 8192:
            return
        number, text = opened
        self.seen.add(number)
        self.highest = max(self.highest, number)
        self.opened, self.heard = True, time.monotonic()
        self.statistics["received"] += 1
        if epoch.number > self.out.number:
            self.switch()
        if epoch.number > self.epochs[0].number and not self.forget_at:
            self.forget_at = time.monotonic() + 3 * PTO
        type, flags, stream, sequence, offset, length, use = struct.unpack_from(">BBHIQHH", text)
        if sequence != number & 0xFFFFFFFF or len(text) < 20 + length or flags & CMP:
            raise Violation("fields of a packet")
        frame = Frame(type, text[20 : 20 + length], stream, offset, flags, use)
        if self.handle(frame, app):
            self.acks.add(number, number + 1)
            self.ack_due |= type not in (Type.ACK, Type.PAD, Type.CLOSE)

    def handle(self, frame: Frame, app) -> bool:
        """Whether the packet may be acknowledged."""
        payload = frame.payload
        match frame.type:
            case Type.DATA:
                return self.on_data(frame, app)
            case Type.ACK:
                self.on_ack(payload, app)
            case Type.CONTROL:
                if frame.offset + len(payload) > self.control_granted:
                    raise Violation("control credit")
                self.control_buffer += self.control_in.add(frame.offset, payload)
                self.deliver(app)
            case Type.REKEY:
                self.on_rekey(payload)
            case Type.PING:
                self.send(Type.PONG, payload)
            case Type.CLOSE:
                self.closed = (int.from_bytes(payload[:4], "big"), payload[4:].decode(), "peer")
            case Type.STREAM_OPEN:
                known = self.incoming.get(frame.stream)
                if known and (frame.use - known.use) & 0xFFFF >= 0x8000 or known and frame.use == known.use:
                    return True
                if known and not known.over:
                    return False
                if frame.stream % 2 == self.role % 2 or frame.stream == 0:
                    raise Violation("number of a stream")
                if sum(not stream.over for stream in self.incoming.values()) >= 64:
                    raise Violation("too many streams")
                self.incoming[frame.stream] = Incoming(frame.use, payload[0], int.from_bytes(payload[1:5], "big"))
            case Type.STREAM_CLOSE:
                for stream in self.streams:
                    if (stream.number, stream.use) == (frame.stream, frame.use) and not stream.ended:
                        stream.ended = True
                        stream.unacknowledged += 1
                        end = stream.end.to_bytes(8, "big")
                        self.send(Type.STREAM_RESET, payload[:4] + end, stream=frame.stream, use=frame.use)
            case Type.STREAM_RESET:
                if (known := self.incoming.get(frame.stream)) and known.use == frame.use:
                    known.over = True
            case Type.WINDOW_UPDATE:
                credit, control = struct.unpack(">QQ", payload)
                self.credit, self.control_credit = max(self.credit, credit), max(self.control_credit, control)
            case Type.PATH_CHALLENGE:
                self.statistics["challenges"] += 1
                self.send(Type.PATH_RESPONSE, payload)
            case Type.PONG | Type.PAD | Type.GOAWAY | Type.PATH_RESPONSE:
                pass
            case x if 0x20 <= x < 0x40 and not frame.flags & CRITICAL:
                pass
            case _:
                raise Violation(f"type {frame.type}")
        return True

    def on_ack(self, payload: bytes, app) -> None:
        largest, _, count, length = struct.unpack_from(">IIBI", payload)
        # The number nearest to the next one.
        high = self.next + ((largest - self.next + 2**31) % 2**32 - 2**31)
        if high >= self.next:
            raise Violation("ACK of a packet that was not sent")
        low = high - length
        runs = [(low, high)]
        for index in range(count):
            gap, run = struct.unpack_from(">HH", payload, 13 + 4 * index)
            high = low - gap - 2
            low = high - run
            runs.append((low, high))
        for number in [n for n in self.flight if any(low <= n <= high for low, high in runs)]:
            frame, _ = self.flight.pop(number)
            if frame.type == Type.REKEY and self.offer and frame.payload[:32] == self.offer["pair"].public_bytes:
                self.offer["acknowledged"] = True
            if frame.type in (Type.DATA, Type.STREAM_OPEN, Type.STREAM_RESET):
                stream = next(s for s in self.streams if (s.number, s.use) == (frame.stream, frame.use))
                stream.unacknowledged -= 1
                if stream.ended and stream.unacknowledged == 0:
                    self.streams.remove(stream)
        if self.offer and self.offer["acknowledged"]:
            self.switch()

    def on_data(self, frame: Frame, app) -> bool:
        stream = self.incoming.get(frame.stream)
        if not stream or (stream.use - frame.use) & 0xFFFF >= 0x8000:
            return False
        if stream.over or stream.use != frame.use:
            return True
        end = frame.offset + len(frame.payload)
        if stream.kind == 1 and frame.payload and frame.offset // CHUNK != (end - 1) // CHUNK:
            raise Violation("DATA across a chunk")
        self.data_received += stream.ranges.add(frame.offset, end)
        if self.data_received > self.granted:
            raise Violation("session credit")
        stream.ended |= bool(frame.flags & FIN)
        app.on_data(stream, frame.offset, frame.payload)
        self.grant()
        return True

    def deliver(self, app) -> None:
        while len(self.control_buffer) >= 5:
            size = int.from_bytes(self.control_buffer[1:5], "big")
            if size > 65_536:
                raise Violation("control message too long")
            if len(self.control_buffer) < 5 + size:
                break
            type, body = self.control_buffer[0], self.control_buffer[5 : 5 + size]
            self.control_buffer = self.control_buffer[5 + size :]
            app.on_message(type, body)
        self.grant()

    def grant(self) -> None:
        data, control = self.data_received + self.window, self.control_in.taken + self.control_window
        if data - self.granted > self.window // 2 or control - self.control_granted > self.control_window // 2:
            self.granted, self.control_granted = data, control
            self.send(Type.WINDOW_UPDATE, struct.pack(">QQ", data, control))

    def drain(self, app) -> None:
        for _ in range(64):
            if not select.select([self.sock], [], [], 0)[0]:
                return
            datagram, _ = self.sock.recvfrom(65536)
            if random.random() < self.loss:
                self.statistics["dropped"] += 1
                continue
            self.receive(datagram, app)

    def run(self, app, timeout: float) -> tuple[int, str, str]:
        """Until either end closes; how it ended."""
        end = time.monotonic() + timeout
        while not self.closed:
            try:
                self.pump()
                select.select([self.sock], [], [], 0.02)
                self.drain(app)
                app.tick()
            except Violation as violation:
                self.close(1, str(violation))
            self.repeat_lost()
            now = time.monotonic()
            if now > end or now - self.heard > self.idle:
                self.close(5, "too long")
            if self.forget_at and now > self.forget_at:
                self.epochs, self.forget_at = self.epochs[1:], None
        while self.closing and self.close_sent < 3 and select.select([self.sock], [], [], 3 * PTO)[0]:
            self.sock.recvfrom(65536)
            self.close_sent += 1
            self.transmit(self.closing)
        return self.closed
