#!/usr/bin/env python3
"""Compares the packet engine with other tools, side by side in one run: medians and ratios.

    run.py [allocations] [rtt] [rate] [tcp]        all when none is named

Needs: swift build -c release --static-swift-stdlib --product packet-io-benchmark, cc, taskset, irtt, iperf3. Two cores: server on 0, load on 1
where a test says so. Rounds of the two sides alternate, so that what else the machine does hits both.
"""
import json
import os
import random
import secrets
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BENCHMARK = os.path.join(ROOT, ".build/release/packet-io-benchmark")
IRTT_PORT = "27112"
IPERF_PORT = "27113"


def pinned(core, command):
    return ["taskset", "-c", str(core)] + command


def start(command, **options):
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options)


def output(command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def finish(process):
    process.stdin.close()
    try:
        process.wait(2)
    except subprocess.TimeoutExpired:
        process.terminate()
        process.wait()


def processor_time(process):
    """Seconds of processor time: what else runs on the core does not count."""
    with open(f"/proc/{process.pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def admit(server):
    token = secrets.token_hex(16)
    server.stdin.write(token + "\n")
    server.stdin.flush()
    assert server.stdout.readline().strip() == "admitted"
    return token


def compile_c(folder, name):
    path = os.path.join(folder, name)
    subprocess.run(["cc", "-O2", "-o", path, os.path.join(ROOT, "Benchmarks/udp-echo", name + ".c")], check=True)
    return path


def verdict(name, ours, theirs, bar):
    ratio = ours / theirs
    print(f"{name}: ours {ours:,.0f}, other {theirs:,.0f}, ratio {ratio:.2f}, "
          f"bar >= {bar}: {'ok' if ratio >= bar else 'MISSED'}")
    return ratio >= bar


PLACEMENTS = {  # server's core, prober's core
    "on two cores": (0, 1),   # the wake-up of the other core is most of the time
    "on one core": (0, 0),    # no such wake-up: the same cost is a larger share
    "unpinned": (None, None),
}


def rtt_rounds(folder, server_core, prober_core, rounds):
    """p50 and p99 of each round and side. Every round starts its servers anew and in another order: where the kernel
    puts a process is worth more than what is measured, even between two processes of one program."""
    def place(core, command):
        return command if core is None else pinned(core, command)

    echo_command = [compile_c(folder, "echo"), "0"]
    commands = {"echo": echo_command, "control": echo_command, "ours": [BENCHMARK, "serve"]}
    figures = {name: [] for name in commands}
    for _ in range(rounds):
        servers = {}
        try:
            for name, command in commands.items():
                servers[name] = start(place(server_core, command), stderr=subprocess.DEVNULL)
            ports = {name: server.stdout.readline().split()[1] for name, server in servers.items()}
            for name in random.sample(sorted(commands), len(commands)):
                token = admit(servers[name]) if name == "ours" else secrets.token_hex(16)
                probe = place(prober_core, [BENCHMARK, "rtt", ports[name], token, "400", "1000"])
                p50, p99, count, _ = map(int, output(probe).split())
                assert count > 390, f"{name}: only {count} of 400 replies"
                figures[name].append((p50, p99))
        finally:
            for name, server in servers.items():
                if name != "ours":
                    server.terminate()
                finish(server)
    return figures


def rtt(folder, rounds=40):
    """1 000 probes a second of 56 bytes, loopback, the same prober. The control is the C echo against itself: a bar
    that it misses too is not resolved, and that placement decides nothing."""
    good = True
    for placement, (server_core, prober_core) in PLACEMENTS.items():
        figures = rtt_rounds(folder, server_core, prober_core, rounds)
        for column, name, bar in ((0, "p50", 1.1), (1, "p99", 1.3)):
            echo = [r[column] for r in figures["echo"]]
            ratios = {k: statistics.median(r[column] / e for r, e in zip(figures[k], echo)) for k in ("ours", "control")}
            resolved = 1 / bar < ratios["control"] < bar
            passed = ratios["ours"] <= bar
            if server_core is not None:
                good &= resolved and passed
            word = "NOT RESOLVED" if not resolved else "ok" if passed else "MISSED"
            print(f"round trip {name}, {placement}, ns: ours {statistics.median(r[column] for r in figures['ours']):,.0f}, "
                  f"C echo {statistics.median(echo):,.0f}, median ratio of {rounds} rounds {ratios['ours']:.3f} "
                  f"(control {ratios['control']:.3f}), bar <= {bar}: {word}", flush=True)
    return good


def rate(folder, rounds=5, seconds="2"):
    """Replies a second of one server thread on core 0, flooded from core 1."""
    flood = compile_c(folder, "flood")
    echo = start(pinned(0, [compile_c(folder, "echo"), "0"]))
    ours = start(pinned(0, [BENCHMARK, "serve"]), stderr=subprocess.DEVNULL)
    irtt = start(pinned(0, ["irtt", "server", "-b", "127.0.0.1:" + IRTT_PORT, "-d", "0", "-i", "0", "-l", "0"]),
                 env=os.environ | {"GOMAXPROCS": "1"})
    try:
        echo_port, our_port = (p.stdout.readline().split()[1] for p in (echo, ours))
        time.sleep(0.5)
        figures = {"ours": [], "irtt": [], "echo": []}
        sides = [("ours", ours, our_port), ("irtt", irtt, IRTT_PORT), ("echo", echo, echo_port)]
        for _ in range(rounds):
            for name, process, port in sides:
                kind = {"ours": ["ours", admit(ours)], "irtt": ["irtt"], "echo": ["plain"]}[name]
                before = processor_time(process)
                a_second = float(output(pinned(1, [flood, port, seconds] + kind)).split()[0])
                share = (processor_time(process) - before) / float(seconds)
                figures[name].append((a_second, a_second / share))
    finally:
        finish(ours)
        for other in (echo, irtt):
            other.terminate()
            other.wait()
    wall, core = ({k: statistics.median(r[i] for r in v) for k, v in figures.items()} for i in (0, 1))
    print("replies a second: " + ", ".join(f"{k} {v:,.0f}" for k, v in wall.items()))
    print(f"replies a second of processor time, C echo: {core['echo']:,.0f}")
    return verdict("replies a second of one core's time, against irtt", core["ours"], core["irtt"], 3)


def tcp(folder, rounds=5, seconds=3):
    """Bits a second over loopback, client to server, 1 and 4 streams."""
    good = True
    for streams in ("1", "4"):
        figures = {"ours": [], "iperf3": []}
        for _ in range(rounds):
            result = output([BENCHMARK, "tcp", streams, str(seconds)])
            figures["ours"].append(float(result.split()[0]))
            server = start(["iperf3", "-s", "-1", "-B", "127.0.0.1", "-p", IPERF_PORT])
            time.sleep(0.3)
            client = output(["iperf3", "-c", "127.0.0.1", "-p", IPERF_PORT, "-P", streams, "-t", str(seconds), "-J"])
            figures["iperf3"].append(json.loads(client)["end"]["sum_received"]["bits_per_second"])
            finish(server)
        middle = {k: statistics.median(v) / 1e6 for k, v in figures.items()}
        good &= verdict(f"TCP, {streams} stream(s), Mbit/s, against iperf3", middle["ours"], middle["iperf3"], 0.95)
    return good


def allocations(folder):
    """The echo server asks for as much memory for 100 datagrams as for 20 000: none for each."""
    library = os.path.join(folder, "allocations.so")
    source = os.path.join(ROOT, "Benchmarks/udp-echo/allocations.c")
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, source], check=True)
    counts = []
    for datagrams in ("100", "20000"):
        server = start([BENCHMARK, "serve"], stderr=subprocess.PIPE, env=os.environ | {"LD_PRELOAD": library})
        port = server.stdout.readline().split()[1]
        output([BENCHMARK, "rtt", port, admit(server), datagrams, "50"])
        server.stdin.close()
        counts.append(int(server.stderr.read().rsplit("allocations ", 1)[1]))
        server.wait()
    assert min(counts) > 50, "the control failed: the start alone takes more than this, so the counter does not count"
    good = counts[1] - counts[0] < 10  # what the two runs' start and end differ by
    print(f"allocations for 100 and 20 000 datagrams: {counts[0]}, {counts[1]}: {'ok' if good else 'MISSED'}")
    return good


TESTS = {"allocations": allocations, "rtt": rtt, "rate": rate, "tcp": tcp}


def main():
    wanted = sys.argv[1:] or ["allocations", "rtt", "rate", "tcp"]
    with tempfile.TemporaryDirectory() as folder:
        results = [TESTS[name](folder) for name in wanted]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
