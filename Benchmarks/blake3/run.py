#!/usr/bin/env python3
"""BLAKE3 on one thread beside the package of the same authors (pip install blake3): medians of rounds that alternate, in
processor time, and ratios of speed. With b3sum (Debian: b3sum), also a whole file.

    run.py [ROUNDS]

Needs:
    OUTPOST_BENCHMARKS=1 swift build -c release --product blake3-benchmark
"""
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import blake3

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BENCHMARK = os.environ.get("OUTPOST_BIN", os.path.join(ROOT, ".build/release")) + "/blake3-benchmark"
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 15
LENGTHS = (64, 1024, 16384, 262144, 1 << 20, 1 << 23)
FILE = 256 << 20


def ours(length):
    text = subprocess.run([BENCHMARK, "time", "best", str(length)], capture_output=True, text=True, check=True).stdout
    return float(text.split()[1])


def theirs(length):
    """For short inputs, most of this is Python's own time."""
    data = b"\x07" * length
    count = max(1, int(2e6 / (length * 0.25 + 300)))
    samples = []
    for _ in range(25):
        start = time.process_time_ns()
        for _ in range(count):
            blake3.blake3(data, max_threads=1).digest()
        samples.append((time.process_time_ns() - start) / count / length)
    return statistics.median(samples)


def child_time(*command):
    """Processor time of a child in nanoseconds a byte, and what it printed first."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds * 1e9 / FILE, output.split()[0]


def line(name, a, b):
    ratio = statistics.median(y / x for x, y in zip(a, b))
    print(f"| {name} | {statistics.median(a):.3f} | {statistics.median(b):.3f} | {ratio:.2f} |", flush=True)


print("| bytes | here, ns/B | PyPI blake3, ns/B | speed ratio |\n| --- | --- | --- | --- |")
for length in LENGTHS:
    # The two stand next to each other, because the machine's speed changes within seconds.
    rounds = [(ours(length), theirs(length)) for _ in range(ROUNDS)]
    line(length, [a for a, _ in rounds], [b for _, b in rounds])
if not shutil.which("b3sum"):
    raise SystemExit("no b3sum (Debian: b3sum)")
with tempfile.NamedTemporaryFile(dir="/dev/shm") as file:
    block = os.urandom(1 << 20)
    for _ in range(FILE >> 20):
        file.write(block)
    file.flush()
    for options in ([], ["--no-mmap"]):
        a, b = [], []
        for _ in range(ROUNDS):
            x, mine = child_time(BENCHMARK, "file", "best", file.name)
            y, other = child_time("b3sum", "--num-threads", "1", *options, file.name)
            if mine != other:
                raise SystemExit(f"the digests differ: {mine}, {other}")
            a.append(x)
            b.append(y)
        line(f"file of {FILE >> 20} MiB, b3sum {' '.join(options)}", a, b)
