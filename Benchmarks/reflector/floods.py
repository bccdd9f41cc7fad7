#!/usr/bin/env python3
"""What a peer notices of others who want to keep it out: large frames of another peer, and floods of connects.

    floods.py [frames] [connects]      all when none is named

Needs the release binaries (scripts/build) and openssl. Everything runs on loopback; loads are bounded in count and time.
"""
import asyncio
import collections
import multiprocessing
import os
import resource
import shutil
import socket
import ssl
import statistics
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from run import Key, Reflector, free_port, resident, row, rows  # noqa: E402

# A flood's connections a second, and those that it holds at most: more than the reflector lets it.
RATE = int(os.environ.get("RATE", "1000"))
HELD = 6_000
WARM_UP = 3
ATTEMPTS = 10
ONE_WAY = 0.05
HELLO = b'{"request_id":"1","payload":{"type":"hello","version":"1.0","features":[]}}'
STATUS = b'{"request_id":"2","payload":{"type":"get_status"}}'


def frame(payload):
    return len(payload).to_bytes(4, "big") + payload


# One MiB, of the message that takes longest to read.
LARGE = frame(HELLO.replace(b"[]", b"[" + b",".join([b'"a"'] * 262_000) + b"]"))


def answer(tls):
    held = b""
    while len(held) < 4 or len(held) < 4 + int.from_bytes(held[:4], "big"):
        part = tls.recv(65_536)
        if not part:
            raise ConnectionError("the reflector closed the connection")
        held += part
    return held


def visit(context, port, timeout=10):
    """Seconds for connect, hello and status."""
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as raw:
        with context.wrap_socket(raw) as tls:
            tls.sendall(frame(HELLO))
            answer(tls)
            tls.sendall(frame(STATUS))
            answer(tls)
    return time.monotonic() - began


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


# Large frames


def send_large(key, port, connections, until):
    """Connections that send one large hello after the other, each when the last is answered."""
    def one():
        while time.monotonic() < until:
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
                    with key.context().wrap_socket(raw) as tls:
                        while time.monotonic() < until:
                            tls.sendall(LARGE)
                            answer(tls)
            except OSError:
                time.sleep(0.05)

    for _ in range(connections):
        threading.Thread(target=one, daemon=True).start()
    time.sleep(max(0, until - time.monotonic()))


def frames():
    folder = tempfile.mkdtemp(prefix="bench-")
    attacker, victim = Key(folder, "attacker"), Key(folder, "victim")
    try:
        for connections in (0, 4, 16):
            ours = Reflector(extra={"REFLECTOR_ACCESS_AUTHORIZED_PEERS": f"{attacker.id},{victim.id}"})
            context = victim.context()
            seconds = 15
            load = multiprocessing.Process(
                target=send_large, args=(attacker, ours.port, connections, time.monotonic() + seconds), daemon=True)
            try:
                load.start()
                # From the first frame on: the budget of the one who sends them is largest at the beginning.
                end, visits, failed = time.monotonic() + seconds - 3, [], 0
                while time.monotonic() < end:
                    try:
                        visits.append(visit(context, ours.port) * 1e3)
                    except OSError:
                        failed += 1
                    time.sleep(0.05)
                first = visits[:20]
                row(f"{connections} connections that send hellos of 1 MiB: another peer's connect + hello + status",
                    f"median {statistics.median(visits):.0f} ms, of the first 20 {statistics.median(first):.0f} ms, "
                    f"99 % {percentile(visits, 0.99):.0f} ms, max {max(visits):.0f} ms, {failed} of {len(visits) + failed} failed",
                    "–", "–", "median < 100 ms",
                    "met" if statistics.median(first) < 100 and statistics.median(visits) < 100 and not failed else "NOT MET")
            finally:
                load.kill()
                load.join()
                ours.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# Floods of connects


def client_hello():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["pp-link/1"])
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        context.wrap_bio(incoming, outgoing).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def flood(port, addresses, first, until, made):
    """RATE connects a second from `addresses`, that send `first` and then nothing, and stay as long as they may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    most = min(HELD, hard - 64)
    held, opening, count, began = collections.deque(), collections.deque(), 0, time.monotonic()
    while time.monotonic() < until:
        one = socket.socket()
        one.setblocking(False)
        one.bind((addresses[count % len(addresses)], 0))
        one.connect_ex(("127.0.0.1", port))
        opening.append(one)
        count += 1
        made.value = count
        # On loopback it is open by the time of the next ones.
        if len(opening) > 8:
            ready = opening.popleft()
            try:
                if first:
                    ready.send(first)
                held.append(ready)
            except OSError:
                ready.close()
        while len(held) > most:
            held.popleft().close()
        time.sleep(max(0, began + count / RATE - time.monotonic()))


def relay(port, target, source):
    """Takes connections on `port` and passes them on as a path with 2 × ONE_WAY of round trip would."""
    async def pump(reader, writer, not_before):
        queue = asyncio.Queue()

        async def read():
            while True:
                try:
                    part = await reader.read(65_536)
                except OSError:
                    part = b""
                await queue.put((max(not_before, time.monotonic() + ONE_WAY), part))
                if not part:
                    return

        reading = asyncio.ensure_future(read())
        try:
            while True:
                due, part = await queue.get()
                await asyncio.sleep(max(0, due - time.monotonic()))
                if not part:
                    break
                writer.write(part)
                await writer.drain()
        except OSError:
            pass
        finally:
            reading.cancel()
            writer.close()

    async def serve(reader, writer):
        await asyncio.sleep(ONE_WAY)
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", target, local_addr=(source, 0))
        except OSError:
            return writer.close()
        # The reflector has the connection now; the client's first byte comes a round trip later.
        await asyncio.gather(pump(reader, up_writer, time.monotonic() + 2 * ONE_WAY), pump(up_reader, writer, 0))

    async def main():
        async with await asyncio.start_server(serve, "127.0.0.1", port) as server:
            await server.serve_forever()

    asyncio.run(main())


def connects():
    folder = tempfile.mkdtemp(prefix="bench-")
    victim = Key(folder, "victim")
    others = [f"127.0.0.{number}" for number in range(2, 256)]
    try:
        for does, first in (("send nothing", b""), ("send a ClientHello and then nothing", client_hello())):
            for where, addresses in (("its own address", ["127.0.0.1"]), (f"{len(others)} others", others)):
                ours = Reflector(extra={"REFLECTOR_ACCESS_AUTHORIZED_PEERS": victim.id})
                port, made = free_port(), multiprocessing.Value("l", 0)
                between = multiprocessing.Process(target=relay, args=(port, ours.port, "127.0.0.1"), daemon=True)
                began = time.monotonic()
                load = multiprocessing.Process(
                    target=flood, args=(ours.port, addresses, first, began + 60, made), daemon=True)
                try:
                    between.start()
                    time.sleep(0.5)
                    context, before = victim.context(), resident(ours.process.pid)
                    visit(context, port)
                    began = time.monotonic()
                    load.start()
                    time.sleep(WARM_UP)
                    visits, most, failures = [], 0, []
                    for _ in range(ATTEMPTS):
                        try:
                            visits.append(visit(context, port) * 1e3)
                        except OSError as error:
                            failures.append(repr(error))
                        most = max(most, resident(ours.process.pid))
                        time.sleep(0.2)
                    rate = made.value / (time.monotonic() - began)
                    row(f"{rate:.0f} connects a second from {where} that {does}: a peer at {2000 * ONE_WAY:.0f} ms",
                        f"{len(visits)} of {ATTEMPTS} get in, median {statistics.median(visits or [0]):.0f} ms; "
                        f"memory + {most - before:.0f} MiB", "–", "–", "≥ 9 of 10, ≤ 64 MiB",
                        "met" if len(visits) >= 9 and most - before <= 64 and rate > 0.9 * RATE else "NOT MET")
                    for failure in failures:
                        print("   ", failure, file=sys.stderr)
                finally:
                    for process in (load, between):
                        process.kill()
                        process.join()
                    ours.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main():
    known = {"frames": frames, "connects": connects}
    for name in sys.argv[1:] or known:
        if name not in known:
            raise SystemExit(__doc__)
        known[name]()
    for what, here, _, _, bar, met in rows:
        print(f"| {what} | {here} | {bar} | {met} |")


if __name__ == "__main__":
    main()
