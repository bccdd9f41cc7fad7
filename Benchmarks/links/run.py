#!/usr/bin/env python3
"""Throughput over links whose rate is known: truth, reading and ratio of every rate, mode, direction and number of streams.

    run.py [RATE ...]        rates as tbf takes them; 64kbit 256kbit 1mbit 10mbit 100mbit 1gbit when none is named

Needs root, iproute2, ethtool and the release binaries (scripts/build). A client, a router and a server are network namespaces; the
router's tbf is the link. The truth is tbf's rate times 1448/1514, the payload of a full Ethernet frame, less TLS's 22 bytes for each
16 KiB when tunneled. Bars: -5 to +0.5 % from 256 kbit/s, +-10 % below, and no interval above the line by more than 2 %, or by more
than a segment where that is more. Every test is bounded in time.
"""
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("OUTPOST_BIN", os.path.join(ROOT, ".build/release"))
SECONDS = os.environ.get("SECONDS_PER_TEST", "10")
UNITS = {"kbit": 1e3, "mbit": 1e6, "gbit": 1e9}
NAME = "outpost-" + uuid.uuid4().hex[:8]
CLIENT, ROUTER, SERVER = (f"{NAME}-{side}" for side in "crs")
ADDRESS = "10.66.2.2:4000"


def sh(text):
    subprocess.run(["sh", "-ec", text], check=True, stdout=subprocess.DEVNULL)


def make():
    sh(f"""
        for n in {CLIENT} {ROUTER} {SERVER}; do ip netns add $n; ip -n $n link set lo up; done
        ip link add cl netns {ROUTER} type veth peer name eth0 netns {CLIENT}
        ip link add sv netns {ROUTER} type veth peer name eth0 netns {SERVER}
        ip -n {CLIENT} address add 10.66.1.2/24 dev eth0; ip -n {ROUTER} address add 10.66.1.1/24 dev cl
        ip -n {SERVER} address add 10.66.2.2/24 dev eth0; ip -n {ROUTER} address add 10.66.2.1/24 dev sv
        ip -n {ROUTER} link set cl up; ip -n {ROUTER} link set sv up
        ip -n {CLIENT} link set eth0 up; ip -n {SERVER} link set eth0 up
        ip -n {CLIENT} route add default via 10.66.1.1; ip -n {SERVER} route add default via 10.66.2.1
        ip netns exec {ROUTER} sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'
        for n in "{CLIENT} eth0" "{SERVER} eth0" "{ROUTER} cl" "{ROUTER} sv"; do
            set -- $n; ip netns exec $1 ethtool -K $2 tso off gso off gro off
        done""")


def remove():
    for name in (CLIENT, SERVER, ROUTER):
        subprocess.run(
            ["sh", "-c", f"for p in $(ip netns pids {name}); do kill -9 $p; done; ip netns delete {name}"],
            stderr=subprocess.DEVNULL, check=False)


def shape(name, rate):
    # A queue of 50 ms, and at least 20 packets; a burst of 1 ms of the rate.
    queue, burst = max(30_000, int(rate / 8 / 20)), max(3_200, int(rate / 8 / 1000))
    for card in ("sv", "cl"):
        sh(f"ip netns exec {ROUTER} tc qdisc replace dev {card} root tbf rate {name} burst {burst} limit {queue}")


class Reflector:
    def __init__(self, folder, mode):
        self.environment = dict(
            os.environ, HOME=folder, PARAMEDIC_STATE=folder + "/p",
            REFLECTOR_IDENTITY_PRIVATE_KEY_PATH=folder + "/r/identity.ed25519",
            REFLECTOR_NETWORK_LISTEN_ADDRESS=ADDRESS, REFLECTOR_HEALTH_LISTEN_ADDRESS="127.0.0.1:0",
            REFLECTOR_NETWORK_MODE=mode, REFLECTOR_QUOTAS_COOLDOWN_SEC="0",
            REFLECTOR_QUOTAS_MAX_TESTS_PER_HOUR_PER_PEER="1000",
            REFLECTOR_QUOTAS_MAX_BYTES_PER_DAY_PER_PEER="1000000000000")
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", SERVER, BIN + "/reflector", "serve"], env=self.environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(100):
            offer = subprocess.run([BIN + "/reflector", "pair", "--json"], env=self.environment, capture_output=True)
            if offer.returncode == 0:
                break
            time.sleep(0.1)
        offer = json.loads(offer.stdout)
        self.paramedic("pair", ADDRESS, "--id", offer["endpoint_id"], "--token", offer["pairing_token"])

    def paramedic(self, *arguments):
        return subprocess.run(
            ["ip", "netns", "exec", CLIENT, BIN + "/paramedic", *arguments], env=self.environment,
            capture_output=True, timeout=120)

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


def main():
    rates = sys.argv[1:] or ["64kbit", "256kbit", "1mbit", "10mbit", "100mbit", "1gbit"]
    missed = 0
    print("| link | mode | direction | streams | truth, Mbit/s | read, Mbit/s | ratio | over the line, % | time, s | bar |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for mode in ("tunneled", "direct_ephemeral"):
        with tempfile.TemporaryDirectory() as folder:
            reflector = Reflector(folder, mode)
            try:
                for name in rates:
                    number = name.rstrip("kmgbit")
                    rate = float(number) * UNITS[name[len(number):]]
                    shape(name, rate)
                    truth = rate * 1448 / 1514 * (16384 / 16406 if mode == "tunneled" else 1)
                    for direction in ("up", "down"):
                        for streams in ("1", "4"):
                            missed += not measure(reflector, mode, name, rate, truth, direction, streams)
            finally:
                reflector.stop()
    sys.exit(1 if missed else 0)


def measure(reflector, mode, name, rate, truth, direction, streams):
    arguments = ["throughput", "--duration", SECONDS, "--streams", streams, "--engine", "native", "--json"]
    begin = time.monotonic()
    done = reflector.paramedic(*arguments, *(["--reverse"] if direction == "down" else []))
    took = time.monotonic() - begin
    what = f"| {name} | {mode.split('_')[0]} | {direction} | {streams} | {truth / 1e6:.3f}"
    result = json.loads(done.stdout or b"{}")
    moved = (result.get("directions") or [{}])[0]
    read = moved.get("received_bps")
    if done.returncode != 0 or read is None:
        words = done.stderr.decode(errors="replace").strip().splitlines()
        print(f"{what} | - | - | - | {took:.1f} | failed: {words[-1] if words else ''} |", flush=True)
        return False
    ratio = read / truth
    least, most = (0.95, 1.005) if rate >= 256e3 else (0.9, 1.1)
    fastest = max(interval["rate_bps"] for interval in moved["intervals"])
    segment = 1448 * 8 / truth
    met = least <= ratio <= most and fastest / truth <= 1 + max(0.02, segment)
    print(f"{what} | {read / 1e6:.3f} | {ratio:.3f} | {max(0, fastest / truth - 1) * 100:.1f} | {took:.1f} "
          f"| {'met' if met else 'missed'} |", flush=True)
    return met


make()
try:
    main()
finally:
    remove()
