#!/usr/bin/env python3
"""What a record costs, sealed and opened, beside a C loop of libcrypto's EVP calls: medians of rounds that alternate, and ratios.

    run.py [time] [instructions] [idle]        all when none is named

Needs cc, libssl-dev, valgrind for the instructions, and:
    OUTPOST_BENCHMARKS=1 swift build -c release --static-swift-stdlib --product cryptography-benchmark
"""
import os
import re
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BENCHMARK = os.environ.get("OUTPOST_BIN", os.path.join(ROOT, ".build/release")) + "/cryptography-benchmark"
ROUNDS = int(os.environ.get("ROUNDS", "15"))
ALGORITHMS = {"xchacha20": "XChaCha20-Poly1305", "aes256gcm": "AES-256-GCM"}
LENGTHS = (64, 1400)


def output(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr or done.stdout}")
    return done.stdout + done.stderr


def compile_c(folder):
    path = os.path.join(folder, "evp")
    output("cc", "-O2", "-Wall", "-o", path, os.path.join(HERE, "evp.c"), "-lcrypto")
    return path


def time(c):
    print("| record | here, sealed and opened | C | ratio | here | C |\n| --- | --- | --- | --- | --- | --- |")
    for length in LENGTHS:
        for name, title in ALGORITHMS.items():
            ours, theirs = [], []
            for _ in range(ROUNDS):
                ours.append(float(output(BENCHMARK, name, str(length), "50000")))
                theirs.append(float(output(c, name, str(length), "50000")))
            ratio = statistics.median(a / b for a, b in zip(ours, theirs))
            # Each byte is sealed once and opened once.
            rate = [length / statistics.median(times) * 1000 for times in (ours, theirs)]
            print(f"| {length} B, {title} | {statistics.median(ours):.0f} ns | {statistics.median(theirs):.0f} ns "
                  f"| {ratio:.2f} | {rate[0]:.0f} MB/s | {rate[1]:.0f} MB/s |", flush=True)


def instructions_of(folder, *command):
    """Of one record: what 4 000 more take, as the start of a process counts nothing."""
    def count(records):
        text = output("valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/callgrind", *command, str(records))
        return int(re.search(r"Collected : (\d+)", text).group(1))

    return (count(6000) - count(2000)) / 4000


def instructions(c, folder):
    print("| instructions of a record, sealed and opened | here | C | ratio |\n| --- | --- | --- | --- |")
    for length in LENGTHS:
        for name, title in ALGORITHMS.items():
            ours = instructions_of(folder, BENCHMARK, name, str(length))
            theirs = instructions_of(folder, c, name, str(length))
            print(f"| {length} B, {title} | {ours:.0f} | {theirs:.0f} | {ours / theirs:.3f} |", flush=True)


def idle():
    for name, title in ALGORITHMS.items():
        each = float(output(BENCHMARK, "idle", name, "100000"))
        print(f"100 000 idle ciphers of {title}: {each:.0f} bytes each")


with tempfile.TemporaryDirectory() as folder:
    parts = sys.argv[1:] or ["time", "instructions", "idle"]
    if "time" in parts:
        time(compile_c(folder))
    if "instructions" in parts:
        instructions(compile_c(folder), folder)
    if "idle" in parts:
        idle()
