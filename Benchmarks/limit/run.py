#!/usr/bin/env python3
"""What a transfer of one large file over loopback costs beside the least that it can cost: rounds that alternate, medians, ratios.

    run.py [limit] [socat] [scp] [rsync] [wormhole] [b3sum] [courier]        all when none is named

The limit is limit.c with datagrams of 1472, 8972 and 32 820 bytes. socat copies over TCP without cipher and hash. scp and rsync go to an sshd that
this program starts on a port of its own with keys of its own. wormhole is magic-wormhole with its mailbox server on this machine, and without a
relay. b3sum only hashes the file, with one thread and no copy: what verifying costs. courier is $OUTPOST_BIN/courier, by default of
.build/release. rsync, wormhole, b3sum and courier are left out if they are not there.

Needs clang, libssl-dev, socat, openssh-client, openssh-server; rsync, b3sum and, for wormhole, in an environment of Python's,
magic-wormhole and magic-wormhole-mailbox-server. Environment:
    ROUNDS   rounds (5)
    SIZE     bytes of the file (1 GiB)
    SOURCE   folder for the file that is sent; its pages are in the cache
    TARGET   folder for the copies, such as /dev/shm; both are temporary folders on disk by default
    WORMHOLE folder of the programs wormhole and twist

Wall time is that of the whole command, with its start and its handshake; the receivers that listen have been started before. Processor time is
that of all processes of a side, user and system.
"""
import filecmp
import getpass
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
COURIER = os.path.join(os.environ.get("OUTPOST_BIN", os.path.join(ROOT, ".build/release")), "courier")
ROUNDS = int(os.environ.get("ROUNDS", "5"))
SIZE = int(os.environ.get("SIZE", str(1 << 30)))
DATAGRAMS = (1472, 8972, 32820)
# Each row's ratio is to this one: the courier's datagrams on a path that has room for them.
MEASURE = "limit, 8972"
PATIENCE = 300  # seconds that any command may take


def output(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr or done.stdout}")
    return done.stdout


def start(*command, **options):
    """A process whose standard error comes with its failure."""
    errors = tempfile.TemporaryFile("w+")
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=errors, text=True,
                               **{"stdout": subprocess.DEVNULL, **options})
    process.errors = errors
    return process


def finish(process, may_fail=False):
    """Waits for the end; the seconds on the processor of it and of those that it has waited for."""
    deadline = time.monotonic() + PATIENCE
    while True:
        # wait4 and not wait: nothing else tells what one child took.
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        if time.monotonic() > deadline:
            process.kill()
        time.sleep(0.002)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode and not may_fail:
        process.errors.seek(0)
        raise SystemExit(f"{' '.join(process.args)}: {process.errors.read() or process.returncode}")
    process.errors.close()
    return usage.ru_utime + usage.ru_stime


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def await_listener(port):
    """Waits until something listens, without connecting to it."""
    deadline = time.monotonic() + 10
    needle = f":{port:04X} 00000000:0000 0A"
    while time.monotonic() < deadline:
        with open("/proc/net/tcp") as table:
            if needle in table.read():
                return
        time.sleep(0.005)
    raise SystemExit(f"nothing listens on port {port}")


def clock(sender, receiver):
    """Wall time until both have ended, and the processor time of each."""
    began = time.monotonic()
    sending = sender()
    cpu = (finish(sending), finish(receiver))
    return time.monotonic() - began, *cpu


# MARK: the ways. Each makes a copy and returns seconds: wall, sender's processor, receiver's processor.

class Limit:
    def __init__(self, datagram, folder):
        self.name, self.datagram, self.program = f"limit, {datagram}", datagram, os.path.join(folder, "limit")
        if not os.path.exists(self.program):
            sources = os.path.join(os.environ.get("CBLAKE3", os.path.join(ROOT, "Sources/CBLAKE3")))
            kernels = sorted(os.path.join(sources, name) for name in os.listdir(sources) if name.endswith(".c"))
            output("clang", "-O3", "-Wall", "-I", os.path.join(sources, "include"), "-o", self.program,
                   os.path.join(HERE, "limit.c"), *kernels, "-lcrypto")

    def copy(self, source, target):
        began = time.monotonic()
        told = json.loads(output(self.program, source, target, str(self.datagram)))
        return time.monotonic() - began, told["sender_ns"] / 1e9, told["receiver_ns"] / 1e9


class Socat:
    def __init__(self, block=None):
        self.name = "socat" if block is None else f"socat -b {block}"
        self.options = [] if block is None else ["-b", str(block)]

    def copy(self, source, target):
        port = free_port()
        receiver = start("socat", "-u", *self.options, f"TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr",
                         f"OPEN:{target},creat,trunc")
        await_listener(port)
        return clock(lambda: start("socat", "-u", *self.options, f"OPEN:{source},rdonly", f"TCP:127.0.0.1:{port}"),
                     receiver)


class Scp:
    name = "scp"

    def __init__(self, folder):
        self.folder = os.path.join(folder, "ssh")
        os.makedirs(self.folder, 0o700)
        for key in ("host", "user"):
            output("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.path(key))
        shutil.copy(self.path("user.pub"), self.path("authorized"))
        self.server = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:" + os.environ.get("PATH", ""))
        if not self.server:
            raise SystemExit("no sshd: install openssh-server")
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", 0o755, exist_ok=True)  # where its unprivileged half goes

    def path(self, name):
        return os.path.join(self.folder, name)

    def configure(self, port):
        sftp = next(path for path in ("/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "internal-sftp")
                    if path == "internal-sftp" or os.path.exists(path))
        with open(self.path("config"), "w") as file:
            file.write(f"Port {port}\nListenAddress 127.0.0.1\nHostKey {self.path('host')}\nPidFile none\n"
                       f"AuthorizedKeysFile {self.path('authorized')}\nStrictModes no\nUsePAM no\n"
                       f"PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n"
                       f"Subsystem sftp {sftp}\n")
        with open(self.path("host.pub")) as key, open(self.path("known"), "w") as file:
            file.write(f"[127.0.0.1]:{port} {key.read()}")

    def options(self):
        return ("-F", "/dev/null", "-c", "aes256-gcm@openssh.com", "-i", self.path("user"), "-o", "IdentitiesOnly=yes",
                "-o", "BatchMode=yes", "-o", f"UserKnownHostsFile={self.path('known')}")

    def command(self, port):
        return "scp", "-q", *self.options(), "-P", str(port)

    def copy(self, source, target):
        port = free_port()
        self.configure(port)
        server = start(self.server, "-D", "-e", "-f", self.path("config"))
        try:
            await_listener(port)
            began = time.monotonic()
            client = start(*self.command(port), source, f"{getpass.getuser()}@127.0.0.1:{target}")
            sender = finish(client)
            wall = time.monotonic() - began
            time.sleep(0.1)  # the server waits for its session's process
        finally:
            server.send_signal(signal.SIGTERM)
            receiver = finish(server, may_fail=True)
        return wall, sender, receiver


class Rsync(Scp):
    name = "rsync"

    def command(self, port):
        return "rsync", "--whole-file", "-e", " ".join(("ssh", *self.options(), "-p", str(port)))


class Wormhole:
    name = "wormhole"

    def __init__(self, programs, folder):
        self.programs, self.folder, self.code = programs, os.path.join(folder, "wormhole"), 0
        os.mkdir(self.folder)

    def copy(self, source, target):
        port = free_port()
        self.code += 1
        mailbox = start(os.path.join(self.programs, "twist"), "wormhole-mailbox", "--usage-db", ":memory:", "--channel-db", ":memory:",
                        "--port", f"tcp:{port}:interface=127.0.0.1", cwd=self.folder)
        try:
            await_listener(port)
            tool = (os.path.join(self.programs, "wormhole"), "--relay-url", f"ws://127.0.0.1:{port}/v1", "--transit-helper", "")
            code = f"{self.code}-one-two"
            receiver = start(*tool, "receive", "--hide-progress", "--accept-file", "-o", target, code)
            time.sleep(1)  # it starts slowly, and waits for the sender
            return clock(lambda: start(*tool, "send", "--hide-progress", "--code", code, source), receiver)
        finally:
            mailbox.send_signal(signal.SIGTERM)
            finish(mailbox, may_fail=True)


class B3sum:
    name = "b3sum, one thread, no copy"

    def copy(self, source, target):
        began = time.monotonic()
        seconds = finish(start("b3sum", "--num-threads", "1", source))
        wall = time.monotonic() - began
        shutil.copyfile(source, target)
        return wall, seconds, 0.0


class Courier:
    """One receiver each round, whose first line of output is its ticket."""
    name = "courier"

    def __init__(self, folder):
        self.home = {side: os.path.join(folder, "courier", side) for side in ("sender", "receiver")}
        for path in self.home.values():
            os.makedirs(path)

    def environment(self, side):
        home = self.home[side]
        return dict(os.environ, HOME=home, XDG_CONFIG_HOME=home, XDG_STATE_HOME=home, XDG_DATA_HOME=home)

    def copy(self, source, target):
        incoming = target + ".folder"
        os.mkdir(incoming)
        receiver = start(COURIER, "receive", "--to", incoming, "--yes", "--once", stdout=subprocess.PIPE,
                         env=self.environment("receiver"))
        ticket = receiver.stdout.readline().strip()
        if not ticket:
            finish(receiver)
            raise SystemExit(f"{COURIER} receive has printed no ticket")
        try:
            return clock(lambda: start(COURIER, "send", source, ticket, env=self.environment("sender")), receiver)
        finally:
            receiver.stdout.close()
            arrived = os.path.join(incoming, os.path.basename(source))
            if os.path.exists(arrived):
                os.rename(arrived, target)
            shutil.rmtree(incoming)


# MARK: rounds

def ways(named, folder):
    if "limit" in named:
        yield from (Limit(datagram, folder) for datagram in DATAGRAMS)
    if "socat" in named:
        yield from (Socat(), Socat(262144))
    if "scp" in named:
        yield Scp(folder)
    if "rsync" in named and present("rsync"):
        yield Rsync(os.path.join(folder, "rsync"))
    programs = os.environ.get("WORMHOLE", os.path.dirname(shutil.which("wormhole") or ""))
    if "wormhole" in named and present(os.path.join(programs, "wormhole")):
        yield Wormhole(programs, folder)
    if "b3sum" in named and present("b3sum"):
        yield B3sum()
    if "courier" in named:
        if os.access(COURIER, os.X_OK):
            yield Courier(folder)
        else:
            print(f"no {COURIER}: its row is left out", file=sys.stderr)


def present(program):
    if shutil.which(program):
        return True
    print(f"no {program}: its row is left out", file=sys.stderr)
    return False


def make_source(path):
    with open(path, "wb") as file:
        left = SIZE
        while left > 0:
            left -= file.write(os.urandom(min(left, 1 << 20)))
        file.flush()
        os.fsync(file.fileno())  # not in the middle of the measurement


def measure(chosen, source, target):
    results = {way.name: [] for way in chosen}
    for round_ in range(-1, ROUNDS):  # the first one warms up, and its copies are compared
        for way in chosen:
            seconds = way.copy(source, target)
            if os.path.getsize(target) != SIZE or round_ < 0 and not filecmp.cmp(source, target, shallow=False):
                raise SystemExit(f"{way.name}: the copy differs")
            os.remove(target)  # before its pages go to the disk
            if round_ >= 0:
                results[way.name].append(seconds)
    return results


def table(results):
    measure_by = MEASURE if MEASURE in results else next(iter(results))
    base = [wall for wall, _, _ in results[measure_by]]
    print(f"| way | wall, s | GB/s | wall, × {measure_by} | sender, ns/B | receiver, ns/B | sum, ns/B |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, rounds in results.items():
        wall = statistics.median(r[0] for r in rounds)
        ratio = statistics.median(r[0] / b for r, b in zip(rounds, base))
        sender, receiver = (statistics.median(r[side] for r in rounds) / SIZE * 1e9 for side in (1, 2))
        both = statistics.median(r[1] + r[2] for r in rounds) / SIZE * 1e9
        print(f"| {name} | {wall:.2f} | {SIZE / wall / 1e9:.2f} | {ratio:.2f} | {sender:.2f} | {receiver:.2f} | {both:.2f} |")
    if "courier" in results:
        verdicts(results)


def verdicts(results):
    """The bars: how many times faster the courier is."""
    for other, bar in (("scp", 1.5), ("socat", 1.0)):
        if other in results:
            ratio = statistics.median(o[0] / c[0] for o, c in zip(results[other], results["courier"]))
            print(f"courier is {ratio:.2f} times as fast as {other}, bar >= {bar}: {'ok' if ratio >= bar else 'MISSED'}")


def main():
    known = ("limit", "socat", "scp", "rsync", "wormhole", "b3sum", "courier")
    named = sys.argv[1:] or known
    if any(name not in known for name in named):
        raise SystemExit(__doc__)
    with tempfile.TemporaryDirectory() as folder, \
            tempfile.TemporaryDirectory(dir=os.environ.get("SOURCE")) as sources, \
            tempfile.TemporaryDirectory(dir=os.environ.get("TARGET")) as targets:
        source = os.path.join(sources, "source")
        make_source(source)
        table(measure(list(ways(named, folder)), source, os.path.join(targets, "target")))


if __name__ == "__main__":
    main()
