#!/usr/bin/env python3
"""What a courier and a TCP connection of the kernel get of one bottleneck that they share, and the queue that they make.

    shares.py [cubic] [bbr]      courier's congestion control, both if none is named

Needs root, iproute2, nftables, ethtool, iperf3, cc, /dev/net/tun and the kernel's tcp_bbr.

Three network namespaces: sender, router, receiver. The router sends at RATE through `tbf` with a queue of 0.1, 1 or 10 times the
bandwidth-delay product; delay.c in it delays both directions by half of the round trip. The flow that is named first begins LATER seconds before
the other. Shares are those of what leaves the router, over the last SECONDS. Environment:
    OUTPOST_BIN  folder of courier (.build/release)
    SECONDS_     of a run that are counted (20)
    LATER        seconds (2)
    RATE         bits a second (100 000 000)
    RTT          milliseconds (50)
"""
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COURIER = os.path.join(os.environ.get("OUTPOST_BIN", os.path.join(ROOT, ".build/release")), "courier")
SECONDS = float(os.environ.get("SECONDS_", "20"))
LATER = float(os.environ.get("LATER", "2"))
RATE = int(os.environ.get("RATE", "100000000"))
RTT = int(os.environ.get("RTT", "50"))
BDP = RATE // 8 * RTT // 1000
delays = []
NAMES = {role: f"sh{os.getpid()}{role}" for role in "srd"}


def run(*command, inside=None, check=True):
    prefix = ["ip", "netns", "exec", NAMES[inside]] if inside else []
    done = subprocess.run([*prefix, *command], capture_output=True, text=True)
    if check and done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr or done.stdout}")
    return done.stdout


def start(*command, inside, **options):
    return subprocess.Popen(["ip", "netns", "exec", NAMES[inside], *command], text=True, **options)


def end(process):
    if process and process.poll() is None:
        process.terminate()
    if process:
        process.wait(10)


def link(queue):
    for name in NAMES.values():
        run("ip", "netns", "add", name)
    for role, one, two, net in [("s", "s0", "r0", "10.98.1"), ("d", "d0", "r1", "10.98.2")]:
        run("ip", "link", "add", one, "netns", NAMES[role], "type", "veth", "peer", "name", two, "netns", NAMES["r"])
        for where, device, address in [(role, one, f"{net}.1/24"), ("r", two, f"{net}.2/24")]:
            run("ip", "address", "add", address, "dev", device, inside=where)
            run("ip", "link", "set", device, "up", inside=where)
            # The queue is in packets of the wire, not in bundles of them.
            run("ethtool", "-K", device, "tso", "off", "gso", "off", "gro", "off", inside=where, check=False)
        run("ip", "route", "add", "default", "via", f"{net}.2", inside=role)
    run("sysctl", "-q", "-w", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.r0.rp_filter=0",
        "net.ipv4.conf.r1.rp_filter=0", inside="r")
    delay = start(DELAY, str(RTT * 500), "dup", "ddown", inside="r", stdout=subprocess.PIPE)
    if delay.stdout.readline() != "ready\n":
        raise SystemExit("delay.c does not start")
    delays.append(delay)
    for device, table, came in [("dup", 100, "r0"), ("ddown", 101, "r1")]:
        run("ip", "link", "set", device, "up", "mtu", "1500", "txqueuelen", "10000", inside="r")
        run("sysctl", "-q", "-w", f"net.ipv4.conf.{device}.rp_filter=0", inside="r")
        run("ip", "route", "add", "default", "dev", device, "table", str(table), inside="r")
        run("ip", "rule", "add", "iif", came, "lookup", str(table), "pref", str(table), inside="r")
    run("tc", "qdisc", "add", "dev", "r1", "root", "tbf", "rate", str(RATE), "burst", "16000", "limit", str(queue), inside="r")
    rules = """table inet shares {
        counter own {}
        counter kernel {}
        chain out {
            type filter hook postrouting priority 0;
            oifname "r1" meta l4proto udp counter name "own";
            oifname "r1" meta l4proto tcp counter name "kernel";
        }
    }"""
    run("nft", rules, inside="r")


def unlink():
    for name in NAMES.values():
        run("ip", "netns", "delete", name, check=False)


def counters():
    text = run("nft", "list", "counters", inside="r")
    return {name: int(count) for name, count in re.findall(r"counter (\w+) \{\s+packets \d+ bytes (\d+)", text)}


def backlog():
    return json.loads(run("tc", "-s", "-j", "qdisc", "show", "dev", "r1", inside="r"))[0]["backlog"]


def measure(own, tcp, own_first, queue, folder):
    """Shares of RATE of the courier and of TCP, in percent, and the mean queue in milliseconds."""
    receiver = server = sender = client = None
    try:
        link(int(queue * BDP))
        environment = {**os.environ, "XDG_STATE_HOME": folder}
        target = tempfile.mkdtemp(dir=folder)
        receiver = start(COURIER, "receive", "--yes", "--to", target, "--listen", "10.98.2.1:0", inside="d", env=environment,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        ticket = receiver.stdout.readline().strip()
        server = start("iperf3", "-s", "-1", inside="d", stdout=subprocess.DEVNULL)
        time.sleep(0.3)

        def begin_own():
            return start(COURIER, "send", os.path.join(folder, "file"), ticket, "--congestion", own, inside="s",
                         env={**environment, "XDG_STATE_HOME": folder + "/s"}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def begin_tcp():
            return start("iperf3", "-c", "10.98.2.1", "-C", tcp, "-t", str(int(SECONDS + LATER + 20)), inside="s",
                         stdout=subprocess.DEVNULL)

        if own_first:
            sender = begin_own()
            time.sleep(LATER)
            client = begin_tcp()
        else:
            client = begin_tcp()
            time.sleep(LATER)
            sender = begin_own()
        time.sleep(8)
        before, began, queues = counters(), time.monotonic(), []
        while time.monotonic() < began + SECONDS:
            queues.append(backlog())
            time.sleep(0.25)
        seconds, after = time.monotonic() - began, counters()
        if sender.poll() is not None or client.poll() is not None:
            raise SystemExit("a flow has ended too early")
        share = {name: (after[name] - before[name]) * 8 / seconds / RATE * 100 for name in after}
        return share["own"], share["kernel"], statistics.mean(queues) * 8 / RATE * 1000
    finally:
        for process in (sender, client, receiver, server, *delays):
            end(process)
        delays.clear()
        unlink()


with tempfile.TemporaryDirectory() as work:
    DELAY = os.path.join(work, "delay")
    run("cc", "-O2", "-o", DELAY, os.path.join(os.path.dirname(os.path.abspath(__file__)), "delay.c"))
    with open(os.path.join(work, "file"), "wb") as file:
        file.truncate(int(RATE / 8 * (SECONDS + LATER + 60)))
    print(f"| flows at {RATE // 10**6} Mbit/s, {RTT} ms | queue, BDP | courier % | TCP % | mean queue, ms | neither below 25 % |")
    print("| --- | --- | --- | --- | --- | --- |")
    for own in sys.argv[1:] or ("cubic", "bbr"):
        for tcp in ("cubic", "bbr"):
            for queue in (0.1, 1, 10):
                for own_first in (True, False):
                    ours, theirs, waiting = measure(own, tcp, own_first, queue, work)
                    names = [f"courier {own}", f"TCP {tcp}"]
                    what = ", then ".join(names if own_first else reversed(names))
                    met = "met" if min(ours, theirs) >= 25 else "NOT MET"
                    print(f"| {what} | {queue} | {ours:.0f} | {theirs:.0f} | {waiting:.0f} | {met} |", flush=True)
