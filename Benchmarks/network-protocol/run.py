#!/usr/bin/env python3
"""Measures the packet protocol beside what it is compared with: medians, ratios and bars.

    run.py [codec] [latency] [task] [echo] [bulk] [idle] [keys] [swim]      all when none is named; ends with 1 when a bar is missed

Needs, beside cc, iperf3 and, for keys, the Python packages of the tests (scripts/lib.sh):
    OUTPOST_BENCHMARKS=1 swift build -c release --static-swift-stdlib --product packetbench
    OUTPOST_BENCHMARKS=1 swift build -c release --static-swift-stdlib --product network-protocol-benchmark
    OUTPOST_BENCHMARKS=1 swift build -c release --static-swift-stdlib --product swim-benchmark
Rounds of the sides alternate, so that what else the machine does hits all. Everything runs on this machine; loads are bounded in
count and time.
"""
import json
import os
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BIN = os.environ.get("OUTPOST_BIN", os.path.join(ROOT, ".build/release"))
ROUNDS = int(os.environ.get("ROUNDS", "5"))
SECONDS = float(os.environ.get("SECONDS_PER_PART", "1"))
CONNECTIONS = int(os.environ.get("CONNECTIONS", "10000"))
# Bytes of a request with 64 bytes for "packetbench.echo", and of its response: header, variant, number, command, payload.
REQUEST, RESPONSE, TAG = 10 + 4 + 8 + 8 + 16 + 8 + 64, 10 + 4 + 8 + 8 + 64, 16
# Bytes of the payload of a Data of 64 KiB: variant, length, data.
DATA = 4 + 8 + (64 << 10)
rows = []
missed = []


def row(what, ours, theirs, ratio, bar, passed):
    word = "–" if passed is None else "met" if passed else "NOT MET"
    if passed is False:
        missed.append(what)
    rows.append((what, ours, theirs, ratio, bar, word))
    print(f"  {what}: {ours} against {theirs}, ratio {ratio}, bar {bar}: {word}", file=sys.stderr, flush=True)


def output(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr or done.stdout}")
    return done.stdout


def tool(name):
    path = os.path.join(BIN, name)
    if not os.path.exists(path):
        raise SystemExit(f"{path} is not there; build it as {os.path.basename(__file__)} says at its head")
    return path


def compile_c(folder, source, *flags):
    path = os.path.join(folder, os.path.basename(source) + ".out")
    output(["cc", "-O2", "-Wall", "-o", path, os.path.join(ROOT, "Benchmarks", source), *flags])
    return path


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Daemon:
    """A `packetbench serve`."""

    def __init__(self, folder, kind, *trust, connections=1000):
        self.address = f"127.0.0.1:{free_port()}" if kind == "tcp" else f"unix:{tempfile.mktemp(dir=folder)}"
        self.trust = trust
        self.environment = dict(os.environ, PACKETBENCH_KEY=os.path.join(folder, "identity.ed25519"))
        self.process = subprocess.Popen(
            [tool("packetbench"), "serve", self.address, "--log-level", "error", "--max-connections", str(connections), *trust],
            env=self.environment, stdout=subprocess.DEVNULL,
        )
        for _ in range(200):
            if self.answers():
                return
            time.sleep(0.05)
        raise SystemExit(f"nothing listens on {self.address}")

    def answers(self):
        host, _, rest = self.address.partition(":")
        family, place = (socket.AF_UNIX, rest) if host == "unix" else (socket.AF_INET, (host, int(rest)))
        with socket.socket(family) as probe:
            return probe.connect_ex(place) == 0

    def measure(self, *options):
        words = ["measure", self.address, "--json", "--seconds", str(SECONDS), *self.trust, *options]
        return json.loads(output([tool("packetbench"), *words], env=self.environment))

    def resident(self):
        """In kB."""
        with open(f"/proc/{self.process.pid}/status") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


TRUST = {"plain": {"unix": (), "tcp": ("--insecure-plaintext",)}, "sealed": {"unix": ("--anonymous",), "tcp": ("--anonymous",)}}


def size(count):
    return f"{count} B" if count < 1024 else f"{count >> 10} KiB" if count < 1 << 20 else f"{count >> 20} MiB"


def codec(folder):
    """Encoding into a reused buffer and decoding from it, against memcpy there and back."""
    program = tool("network-protocol-benchmark")
    library = compile_c(folder, "udp-echo/allocations.c", "-shared", "-fPIC")

    def allocations(way, count, repeats):
        done = subprocess.run([program, way, str(count), str(repeats)], capture_output=True, text=True, check=True,
                              env=dict(os.environ, LD_PRELOAD=library))
        return int(done.stderr.rsplit("allocations ", 1)[1])

    for count in (64, 4096, 65536, 1 << 20):
        figures = [tuple(map(float, output([program, "codec", str(count), str(SECONDS / 2)]).split())) for _ in range(ROUNDS)]
        ours, copies = (statistics.median(column) for column in zip(*figures))
        ratio = statistics.median(theirs / own for own, theirs in figures)
        row(f"encode + decode of {size(count)}", f"{ours / 1000:,.2f} µs", f"memcpy twice {copies / 1000:,.2f} µs", f"{ratio:.2f}",
            "≥ 0.5" if count >= 65536 else "–", ratio >= 0.5 if count >= 65536 else None)
    for way in ("encode", "decode"):
        # The control: starting allocates memory, so the counter must count.
        starts = allocations(way, 65536, 100)
        if starts < 50:
            raise SystemExit("the counter of allocations does not count")
        each = (allocations(way, 65536, 10100) - starts) / 10000
        row(f"allocations to {way} 64 KiB", f"{each:.2f}", "–", "–", "≤ 1", each <= 1)


def latency(folder):
    """One request in flight on a Unix socket, against the same bytes written and read by C."""
    pingpong = compile_c(folder, "network-protocol/pingpong.c")
    for name, bar in (("plain", 2.5), ("sealed", 3.0)):
        tag = TAG if name == "sealed" else 0
        daemon = Daemon(folder, "unix", *TRUST[name]["unix"])
        try:
            ours, theirs = [], []
            for _ in range(ROUNDS):
                nanoseconds = output([pingpong, str(REQUEST + tag), str(RESPONSE + tag), str(SECONDS)]).split()
                theirs.append((float(nanoseconds[0]) / 1000, float(nanoseconds[1]) / 1000))
                round_trips = daemon.measure("--only", "request")["request_64_us"]
                ours.append((round_trips["p50"], round_trips["p99"]))
        finally:
            daemon.stop()
        for column, what, limit in ((0, "median", bar), (1, "99th percentile", None)):
            own, peer = (statistics.median(pair[column] for pair in side) for side in (ours, theirs))
            ratio = statistics.median(a[column] / b[column] for a, b in zip(ours, theirs))
            row(f"request and response, Unix socket, {name}, {what}", f"{own:.1f} µs", f"C {peer:.1f} µs", f"{ratio:.2f}",
                f"≤ {limit}" if limit else "–", ratio <= limit if limit else None)


def task(folder):
    """One request in flight on a Unix socket that a task answers, both ends in one process on one core, against NIO alone."""
    pingpong = compile_c(folder, "network-protocol/pingpong.c")
    probe = ["taskset", "-c", "0", tool("network-protocol-benchmark")]
    rounds = []
    for _ in range(ROUNDS):
        words = {
            "plain": [*probe, "request", os.path.join(folder, "plain"), str(SECONDS)],
            "sealed": [*probe, "request", os.path.join(folder, "sealed"), str(SECONDS), "sealed"],
            "NIO": [*probe, "nio", os.path.join(folder, "nio"), str(SECONDS), str(REQUEST)],
            "C": ["taskset", "-c", "0", pingpong, str(REQUEST), str(RESPONSE), str(SECONDS)],
        }
        rounds.append({name: float(output(command).split()[0]) / 1000 for name, command in words.items()})
        for name in ("plain", "sealed", "nio"):
            if os.path.exists(os.path.join(folder, name)):
                os.unlink(os.path.join(folder, name))
    for own, peer, bar in (("plain", "NIO", 1.4), ("plain", "C", None), ("sealed", "plain", 1.25), ("NIO", "C", None)):
        here, there = (statistics.median(figures[name] for figures in rounds) for name in (own, peer))
        ratio = statistics.median(figures[own] / figures[peer] for figures in rounds)
        row(f"request that a task answers, one core, {own}, median", f"{here:.1f} µs", f"{peer} {there:.1f} µs", f"{ratio:.2f}",
            f"≤ {bar}" if bar else "–", ratio <= bar if bar else None)


def echo(folder):
    """Echoes of 64 bytes, with as many in flight as one connection accepts."""
    for kind in ("tcp", "unix"):
        for name, bar in (("plain", 250_000), ("sealed", 150_000)):
            daemon = Daemon(folder, kind, *TRUST[name][kind])
            try:
                rate = statistics.median(daemon.measure("--only", "echo")["echo_64_per_second"] for _ in range(ROUNDS))
            finally:
                daemon.stop()
            row(f"echoes of 64 B, {'TCP' if kind == 'tcp' else 'Unix socket'}, {name}, a second", f"{rate:,.0f}", "–", "–",
                f"≥ {bar:,}", rate >= bar)


def bulk(folder):
    """Data of 64 KiB: plain against iperf3 with one stream, sealed against C that seals the same records, and iperf3."""
    sealing = compile_c(folder, "network-protocol/sealing.c", "-lcrypto")
    port = free_port()
    server = subprocess.Popen(["iperf3", "-s", "-B", "127.0.0.1", "-p", str(port)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    daemons = {name: Daemon(folder, "tcp", *TRUST[name]["tcp"]) for name in ("sealed", "plain")}
    bars = {("plain", "iperf3"): 0.9, ("sealed", "C"): 0.85}
    try:
        time.sleep(0.5)
        figures = {}
        for _ in range(ROUNDS):
            for way in ("up", "down"):
                command = ["iperf3", "-c", "127.0.0.1", "-p", str(port), "-P", "1", "-J", "-t", str(max(1, round(SECONDS)))]
                client = json.loads(output(command + (["-R"] if way == "down" else [])))
                peers = {
                    "iperf3": client["end"]["sum_received"]["bits_per_second"],
                    "C": float(output([sealing, str(DATA), str(SECONDS)])),
                }
                for name, daemon in daemons.items():
                    own = daemon.measure("--only", way)[f"data_{way}_bps"]
                    for peer in ("iperf3", "C") if name == "sealed" else ("iperf3",):
                        figures.setdefault((name, way, peer), []).append((own, peers[peer]))
        for (name, way, peer), pairs in sorted(figures.items(), reverse=True):
            own, other = (statistics.median(column) / 1e9 for column in zip(*pairs))
            ratio = statistics.median(a / b for a, b in pairs)
            bar = bars.get((name, peer))
            row(f"Data of 64 KiB, TCP, {name}, {way}", f"{own:.1f} Gbit/s", f"{peer} {other:.1f} Gbit/s", f"{ratio:.2f}",
                f"≥ {bar}" if bar else "–", ratio >= bar if bar else None)
    finally:
        for daemon in daemons.values():
            daemon.stop()
        server.terminate()
        server.wait()


def idle(folder):
    """Idle connections to one daemon."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = CONNECTIONS + 512
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(hard, wanted) if hard != resource.RLIM_INFINITY else hard))
    for name in ("plain", "sealed"):
        daemon = Daemon(folder, "unix", *TRUST[name]["unix"], connections=CONNECTIONS + 16)
        holder = None
        try:
            time.sleep(1)
            before = daemon.resident()
            words = [tool("network-protocol-benchmark"), "hold", daemon.address.removeprefix("unix:"), str(CONNECTIONS)]
            holder = subprocess.Popen(words + (["sealed"] if name == "sealed" else []), text=True,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            if holder.stdout.readline().strip() != f"holds {CONNECTIONS}":
                raise SystemExit(f"{CONNECTIONS} connections could not be opened")
            time.sleep(3)
            after = daemon.resident()
        finally:
            if holder:
                holder.kill()
                holder.wait()
            daemon.stop()
        # Resident memory is in KiB; the bar in thousands of bytes, the daemon's own memory spread over its connections.
        each, whole = (after - before) * 1.024 / CONNECTIONS, after * 1.024 / CONNECTIONS
        row(f"{CONNECTIONS:,} idle connections, {name}, whole daemon, each", f"{whole:.1f} kB", "–", "–", "≤ 10 kB", whole <= 10)
        row(f"{CONNECTIONS:,} idle connections, {name}, what is added by each", f"{each:.1f} kB", "–", "–", "–", None)


def keys(folder):
    """A ping beside 20 000 key changes, and beside as many Pongs: all on one connection, and 16 on each of 1 250."""
    daemon = Daemon(folder, "tcp", *TRUST["sealed"]["tcp"], connections=2000)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard) if hard != resource.RLIM_INFINITY else 4096, hard))
    try:
        # Debian's own Python, which finds Debian's packages whatever else is in PATH.
        words = ["/usr/bin/python3", os.path.join(HERE, "key_changes.py"), daemon.address, str(ROUNDS)]
        figures = json.loads(output(words))
    finally:
        daemon.stop()
    for case, what in (("one", " on one connection (cut at the 17th)"), ("many", ", 16 on each of 1 250 connections")):
        (changes, _, times, cut), (pongs, _, pong_times, _) = figures[f"{case}_changes"], figures[f"{case}_pongs"]
        if sum(cut) != (ROUNDS if case == "one" else 0):
            raise SystemExit(f"{sum(cut)} connections were cut in {ROUNDS} rounds")
        own, peer = statistics.median(changes) * 1000, statistics.median(pongs) * 1000
        row(f"longest ping beside 20 000 changes of the key{what}, median of rounds", f"{own:.1f} ms", f"beside Pongs {peer:.1f} ms",
            f"{own / peer:.2f}", "≤ 60 ms", own <= 60)
        row("the same, of all rounds", f"{max(changes) * 1000:.1f} ms", f"beside Pongs {max(pongs) * 1000:.1f} ms",
            f"{max(changes) / max(pongs):.2f}", "–", None)
        row("the same, how long all of it took", f"{statistics.median(times) * 1000:.0f} ms",
            f"Pongs {statistics.median(pong_times) * 1000:.0f} ms", "–", "–", None)


def swim(folder):
    """500 simulated members with 1 % loss; prints a table of its own."""
    done = subprocess.run([tool("swim-benchmark")], text=True, capture_output=True)
    print(done.stdout)
    if done.returncode:
        missed.append("swim")


PARTS = {"codec": codec, "latency": latency, "task": task, "echo": echo, "bulk": bulk, "idle": idle, "keys": keys, "swim": swim}


def main():
    wanted = sys.argv[1:] or list(PARTS)
    if any(name not in PARTS for name in wanted):
        raise SystemExit(__doc__)
    folder = tempfile.mkdtemp(prefix="bench-")
    try:
        for name in wanted:
            PARTS[name](folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("| what | here | peer | ratio | bar | |")
    print("| --- | --- | --- | --- | --- | --- |")
    for entry in rows:
        print("| " + " | ".join(entry) + " |")
    if missed:
        print("missed: " + ", ".join(missed), file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
