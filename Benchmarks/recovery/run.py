#!/usr/bin/env python3
"""What sending a packet and processing its acknowledgment takes, with 4000 packets in flight.

    run.py [time] [instructions] [allocations]        all when none is named

Fails if a packet allocates, or takes more instructions than the limits below. Times are only reported. Needs cc,
valgrind for the instructions, and:
    OUTPOST_BENCHMARKS=1 swift build -c release --product recovery-benchmark
"""
import os
import re
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BENCHMARK = os.environ.get("OUTPOST_BIN", os.path.join(ROOT, ".build/release")) + "/recovery-benchmark"
ALLOCATIONS = os.path.join(ROOT, "Benchmarks/udp-echo/allocations.c")
ROUNDS = int(os.environ.get("ROUNDS", "9"))
# Packets in flight, packets per ACK, losses per mille, mode; the most instructions per packet.
CASES = {
    "sender, an ACK for 44 packets": (("4000", "44", "0", "sender"), 420),
    "sender, an ACK for 2 packets": (("4000", "2", "0", "sender"), 900),
    "both ends, 44": (("4000", "44", "0"), 550),
    "both ends, 2": (("4000", "2", "0"), 1150),
    "both ends, 44, 1 % lost": (("4000", "44", "10"), 700),
    "both ends, 2, 1 % lost": (("4000", "2", "10"), 2300),
    "sender, 44, BBR": (("4000", "44", "0", "sender", "bbr"), 440),
    "sender, 2, BBR": (("4000", "2", "0", "sender", "bbr"), 1300),
    "both ends, 2, 1 % lost, BBR": (("4000", "2", "10", "bbr"), 2800),
}


def output(*command, environment=None):
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr or done.stdout}")
    return done.stdout + done.stderr


def time():
    print("| ns per packet | median | least |\n| --- | --- | --- |")
    for title, (case, _) in CASES.items():
        times = []
        for _ in range(ROUNDS):
            text = output(BENCHMARK, "500000", *case)
            times.append(float(re.search(r"ns/packet ([\d.]+)", text).group(1)))
        print(f"| {title} | {statistics.median(times):.0f} | {min(times):.0f} |", flush=True)


def instructions(folder):
    """Of one packet: what 100 000 more take, as the start of a process counts nothing."""
    def count(packets, case):
        text = output("valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/callgrind", BENCHMARK,
                      str(packets), *case)
        return int(re.search(r"Collected : (\d+)", text).group(1))

    failed = False
    print("| instructions per packet | | limit |\n| --- | --- | --- |")
    for title, (case, limit) in CASES.items():
        each = (count(200_000, case) - count(100_000, case)) / 100_000
        failed = failed or each > limit
        print(f"| {title} | {each:.0f} | {limit} |", flush=True)
    return failed


def allocations(folder):
    """Of 100 000 packets more."""
    library = os.path.join(folder, "allocations.so")
    output("cc", "-O2", "-shared", "-fPIC", "-o", library, ALLOCATIONS)

    def count(packets, case):
        text = output(BENCHMARK, str(packets), *case, environment={**os.environ, "LD_PRELOAD": library})
        return int(re.search(r"allocations (\d+)", text).group(1))

    def more(case):
        return count(200_000, case) - count(100_000, case)

    failed = False
    for title, (case, _) in CASES.items():
        number = more(case)
        failed = failed or number != 0
        print(f"allocations of 100 000 packets, {title}: {number}", flush=True)
    control = more(("4000", "2", "0", "control"))
    print(f"allocations of 100 000 packets that allocate once each: {control}")
    return failed or control != 100_000


with tempfile.TemporaryDirectory() as folder:
    parts = sys.argv[1:] or ["time", "instructions", "allocations"]
    bad = False
    if "time" in parts:
        time()
    if "instructions" in parts:
        bad = instructions(folder) or bad
    if "allocations" in parts:
        bad = allocations(folder) or bad
    sys.exit("over a limit" if bad else 0)
