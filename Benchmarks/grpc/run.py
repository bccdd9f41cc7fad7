#!/usr/bin/env python3
"""The packet protocol beside gRPC (grpc-swift-2 with its NIO transport): medians and ratios.

    run.py [requests] [bulk] [idle]      all when none is named; ends with 1 when a bar is missed

Needs openssl, and in this folder:
    swift build -c release --static-swift-stdlib
Both sides are served and asked by the same program, one process each, over one connection, with the same code around them. Rounds
alternate, so that what else the machine does hits both. Everything runs on this machine; loads are bounded in count and time.
"""
import json
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOOL = os.environ.get("GRPC_BENCHMARK", os.path.join(HERE, ".build/release/grpc-benchmark"))
ROUNDS = int(os.environ.get("ROUNDS", "5"))
SECONDS = os.environ.get("SECONDS_PER_PART", "2")
CONNECTIONS = os.environ.get("CONNECTIONS", "10000")
ENGINES = ("packets", "grpc")
KINDS = ("plain", "TLS")
rows = []
missed = []


def row(what, ours, theirs, ratio, bar=None, passed=None):
    word = "–" if passed is None else "met" if passed else "NOT MET"
    if passed is False:
        missed.append(what)
    rows.append((what, ours, theirs, f"{ratio:.2f}", bar or "–", word))
    print(f"  {what}: {ours} against {theirs}, ratio {ratio:.2f}, bar {bar or '–'}: {word}", file=sys.stderr, flush=True)


def openssl(folder, *words):
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def certificates(folder):
    openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=benchmark authority", "-keyout", "ca-key.pem", "-out", "ca.pem")
    openssl(folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost",
            "-keyout", "server-key.pem", "-out", "server.csr")
    with open(os.path.join(folder, "names"), "w") as names:
        names.write("subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\n")
    openssl(folder, "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial", "-days", "2",
            "-extfile", "names", "-out", "server.pem")


class Program:
    """A grpc-benchmark that says a line and then waits for the end of its input."""

    def __init__(self, *words):
        self.process = subprocess.Popen(
            [TOOL, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if not self.process.stdout.readline():
            raise SystemExit(f"grpc-benchmark {' '.join(words)} did not start")

    def memory(self):
        """Resident bytes."""
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) * 1024

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def address(folder, kind, engine):
    if kind == "plain":
        return f"unix:{folder}/{engine}.sock"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tls:{probe.getsockname()[1]}:{folder}"


def ask(*words):
    done = subprocess.run([TOOL, *words], capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise SystemExit(f"grpc-benchmark {' '.join(words)}: {done.stderr or done.stdout}")
    return json.loads(done.stdout)


def median(values, digits):
    return f"{statistics.median(values):,.{digits}f}".replace(",", " ")


def rounds(addresses, part, *words):
    """What each engine said, round after round."""
    answers = {engine: [] for engine in ENGINES}
    for _ in range(ROUNDS):
        for engine in ENGINES:
            answers[engine].append(ask(part, engine, addresses[engine], *words))
    return answers


def compare(answers, key, what, unit, digits=0, bar=None, most=None):
    ours, theirs = ([answer[key] for answer in answers[engine]] for engine in ENGINES)
    ratio = statistics.median(ours) / statistics.median(theirs)
    passed = ratio >= bar if bar else ratio <= most if most else None
    text = f"≥ {bar}" if bar else f"≤ {most}" if most else None
    row(what, f"{median(ours, digits)} {unit}", f"{median(theirs, digits)} {unit}", ratio, text, passed)


def requests(kind, addresses):
    for count in (1, 16, 256):
        answers = rounds(addresses, "requests", str(count), SECONDS)
        compare(answers, "requests_per_second", f"{kind}, {count} in flight, requests", "/s", bar=3 if count == 256 else None)
        compare(answers, "p50_us", f"{kind}, {count} in flight, p50", "µs", 1, most=0.5 if count == 1 else None)
        compare(answers, "p99_us", f"{kind}, {count} in flight, p99", "µs", 1)


def bulk(kind, addresses):
    answers = rounds(addresses, "bulk", SECONDS)
    for answer in answers.values():
        for one in answer:
            one["gigabits"] = one["bits_per_second"] / 1e9
    compare(answers, "gigabits", f"{kind}, bulk up", "Gbit/s", 2)


def idle(folder, kind):
    """Memory of the server for each connection that does nothing."""
    used = {}
    for engine in ENGINES:
        where = address(folder, kind, f"idle-{engine}")
        with Program("serve", engine, where) as server:
            # So that what the first connections of all bring about is there.
            ask("requests", engine, where, "16", "1")
            before = server.memory()
            with Program("hold", engine, where, CONNECTIONS):
                used[engine] = (server.memory() - before) / int(CONNECTIONS) / 1024
    row(f"{kind}, {CONNECTIONS} idle connections, server's memory for each", *(f"{used[engine]:.1f} KiB" for engine in ENGINES),
        used["packets"] / used["grpc"])


def main():
    parts = sys.argv[1:] or ["requests", "bulk", "idle"]
    if not os.path.exists(TOOL):
        raise SystemExit(f"{TOOL} is not there; build it as {os.path.basename(__file__)} says at its head")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    folder = tempfile.mkdtemp(prefix="grpc-benchmark-")
    try:
        certificates(folder)
        for kind in KINDS:
            addresses = {engine: address(folder, kind, engine) for engine in ENGINES}
            with Program("serve", "packets", addresses["packets"]), Program("serve", "grpc", addresses["grpc"]):
                if "requests" in parts:
                    requests(kind, addresses)
                if "bulk" in parts:
                    bulk(kind, addresses)
            if "idle" in parts:
                idle(folder, kind)
    finally:
        shutil.rmtree(folder)
    print("| what | packets | gRPC | ratio | bar | |\n| --- | ---: | ---: | ---: | ---: | --- |")
    for cells in rows:
        print("| " + " | ".join(cells) + " |")
    if missed:
        print("missed: " + "; ".join(missed), file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
