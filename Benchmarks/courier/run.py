#!/usr/bin/env python3
"""The courier beside what it replaces, for what is not one large file over loopback (Benchmarks/limit has that): medians and ratios.

    run.py [folder] [tiny] [veth]        all when none is named

folder   FILES files of 1 KiB over loopback, beside `tar | ssh tar`
tiny     1 KiB to a receiver that listens, from the command to the verified file, beside scp
veth     1 GiB between two network namespaces over an interface with an MTU of 1500, beside scp; needs root

courier is $OUTPOST_BIN/courier, by default of .build/release. Needs openssh-client, openssh-server, tar; iproute2 for veth. Environment:
    ROUNDS   rounds (5)
    FILES    files of the folder (100 000)
    SIZE     bytes of the file for veth (1 GiB)
    TARGET   folder for sources and copies; by default /dev/shm, because a disk that makes files slowly hides everything else
"""
import filecmp
import getpass
import importlib.util
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
spec = importlib.util.spec_from_file_location("limit", os.path.join(os.path.dirname(HERE), "limit", "run.py"))
limit = importlib.util.module_from_spec(spec)
spec.loader.exec_module(limit)

ROUNDS = int(os.environ.get("ROUNDS", "5"))
FILES = int(os.environ.get("FILES", "100000"))


class Ssh(limit.Scp):
    """An sshd with keys of its own, and the programs that go through it."""

    def __init__(self, folder, prefix=((), ())):
        os.makedirs(folder)
        super().__init__(folder)
        self.client, self.host = prefix
        self.address = "127.0.0.1"

    def __enter__(self):
        self.port = limit.free_port()
        self.configure(self.port)
        config = open(self.path("config")).read().replace("ListenAddress 127.0.0.1", f"ListenAddress {self.address}")
        open(self.path("config"), "w").write(config)
        known = open(self.path("known")).read().replace("127.0.0.1", self.address)
        open(self.path("known"), "w").write(known)
        self.daemon = limit.start(*self.host, self.server, "-D", "-e", "-f", self.path("config"))
        for _ in range(500):
            if subprocess.run([*self.client, *self.ssh(), "true"], capture_output=True).returncode == 0:
                return self
            time.sleep(0.02)
        raise SystemExit("sshd does not answer")

    def __exit__(self, *failure):
        self.daemon.send_signal(signal.SIGTERM)
        limit.finish(self.daemon, may_fail=True)

    def options(self):
        return ["-F", "/dev/null", "-c", "aes256-gcm@openssh.com", "-i", self.path("user"), "-o", "IdentitiesOnly=yes",
                "-o", "BatchMode=yes", "-o", f"UserKnownHostsFile={self.path('known')}"]

    def ssh(self):
        return ["ssh", *self.options(), "-p", str(self.port), f"{getpass.getuser()}@{self.address}"]

    def scp(self, source, target):
        run([*self.client, "scp", "-q", *self.options(), "-P", str(self.port), source,
             f"{getpass.getuser()}@{self.address}:{target}"])


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=limit.PATIENCE, **options)
    if done.returncode:
        raise SystemExit(f"{command[0]}: {done.stderr or done.stdout}")


class Courier(limit.Courier):
    def __init__(self, folder, prefix=((), ()), listen="127.0.0.1:0"):
        os.makedirs(folder)
        super().__init__(folder)
        self.client, self.host = prefix
        self.listen = listen

    def receive(self, target):
        receiver = subprocess.Popen(
            [*self.host, limit.COURIER, "receive", "--to", target, "--yes", "--once", "--listen", self.listen],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=self.environment("receiver"))
        return receiver, receiver.stdout.readline().strip()

    def send(self, source, ticket):
        run([*self.client, limit.COURIER, "send", source, ticket], env=self.environment("sender"))


def timed(action):
    began = time.monotonic()
    action()
    return time.monotonic() - began


def courier_copy(courier, source, target):
    """Until both sides have ended."""
    receiver, ticket = courier.receive(target)

    def copy():
        courier.send(source, ticket)
        receiver.wait(timeout=limit.PATIENCE)

    seconds = timed(copy)
    receiver.stdout.close()
    if receiver.returncode:
        raise SystemExit("courier receive has failed")
    return seconds


def report(what, ours, theirs, name, bar, faster=True):
    ratio = statistics.median(t / o if faster else o / t for o, t in zip(ours, theirs))
    met = "met" if (ratio >= bar if faster else ratio <= bar) else "NOT MET"
    sign = "≥" if faster else "≤"
    o, t = statistics.median(ours), statistics.median(theirs)
    print(f"| {what} | {o:.3f} s | {name} {t:.3f} s | {ratio:.2f} | {sign} {bar} | {met} |", flush=True)


def folder(work, shared):
    source = os.path.join(shared, "source")
    generator = random.Random(1)
    for index in range(FILES):
        if index % 1000 == 0:
            inner = f"{source}/{index // 1000:04}"
            os.makedirs(inner)
        with open(f"{inner}/{index:07}", "wb") as file:
            file.write(generator.randbytes(1024))
    courier, ours, theirs = Courier(work + "/c"), [], []
    with Ssh(work + "/s") as ssh:
        for turn in range(-1, ROUNDS):
            target = os.path.join(shared, "target")
            os.mkdir(target, 0o700)
            tar = (f"tar -C {shared} -cf - source | {' '.join(ssh.ssh())} tar -C {target} -xf -")
            other = timed(lambda: run(["sh", "-c", tar]))
            shutil.rmtree(target)
            own = courier_copy(courier, source, target)
            if turn < 0:
                same = subprocess.run(["diff", "-r", source, target + "/source"], capture_output=True)
                if same.returncode:
                    raise SystemExit("the copy differs")
            else:
                ours.append(own)
                theirs.append(other)
            shutil.rmtree(target)
    shutil.rmtree(source)
    report(f"{FILES:,}".replace(",", " ") + " files of 1 KiB, loopback", ours, theirs, "tar \\| ssh tar", 1.3)


def tiny(work, shared):
    source = os.path.join(shared, "tiny")
    with open(source, "wb") as file:
        file.write(os.urandom(1024))
    courier, ours, theirs = Courier(work + "/c"), [], []
    with Ssh(work + "/s") as ssh:
        for turn in range(-1, 4 * ROUNDS):
            target = os.path.join(shared, "target")
            os.mkdir(target, 0o700)
            other = timed(lambda: ssh.scp(source, target + "/scp"))
            receiver, ticket = courier.receive(target)
            own = timed(lambda: courier.send(source, ticket))
            receiver.wait(timeout=limit.PATIENCE)
            receiver.stdout.close()
            if not filecmp.cmp(source, target + "/tiny", shallow=False):
                raise SystemExit("the copy differs")
            if turn >= 0:
                ours.append(own)
                theirs.append(other)
            shutil.rmtree(target)
    report("1 KiB to a receiver that listens, loopback", ours, theirs, "scp", 0.3, faster=False)


def veth(work, shared):
    names = [f"outpost-{os.getpid()}-{side}" for side in "ab"]
    ends = [f"op{os.getpid() % 100000}{side}" for side in "ab"]
    made = []
    source = os.path.join(shared, "large")
    limit.make_source(source)
    try:
        for name in names:
            run(["ip", "netns", "add", name])
            made.append(name)
        run(["ip", "link", "add", ends[0], "netns", names[0], "type", "veth", "peer", "name", ends[1], "netns", names[1]])
        for index, (name, end) in enumerate(zip(names, ends)):
            run(["ip", "-n", name, "address", "add", f"10.99.7.{index + 1}/24", "dev", end])
            run(["ip", "-n", name, "link", "set", end, "mtu", "1500", "up"])
            run(["ip", "-n", name, "link", "set", "lo", "up"])
        prefix = tuple(["ip", "netns", "exec", name] for name in names)
        courier = Courier(work + "/c", prefix, "10.99.7.2:0")
        ssh = Ssh(work + "/s", prefix)
        ssh.address = "10.99.7.2"
        ours, theirs = [], []
        with ssh:
            for turn in range(-1, ROUNDS):
                target = os.path.join(shared, "target")
                os.mkdir(target, 0o700)
                other = timed(lambda: ssh.scp(source, target + "/scp"))
                os.remove(target + "/scp")
                own = courier_copy(courier, source, target)
                if turn < 0 and not filecmp.cmp(source, target + "/large", shallow=False):
                    raise SystemExit("the copy differs")
                if turn >= 0:
                    ours.append(own)
                    theirs.append(other)
                shutil.rmtree(target)
        report(f"{limit.SIZE >> 20} MiB over veth, MTU 1500", ours, theirs, "scp", 1.3)
    finally:
        for name in made:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True)


def main():
    known = {"folder": folder, "tiny": tiny, "veth": veth}
    named = sys.argv[1:] or list(known)
    if any(name not in known for name in named):
        raise SystemExit(__doc__)
    print("| what | courier | peer | ratio | bar | |\n| --- | --- | --- | --- | --- | --- |")
    for name in named:
        with tempfile.TemporaryDirectory() as work, \
                tempfile.TemporaryDirectory(dir=os.environ.get("TARGET", "/dev/shm")) as shared:
            known[name](work, shared)


main()
