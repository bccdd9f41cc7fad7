#!/usr/bin/env python3
"""The bars of the measuring endpoint, side by side with the tools that it replaces: medians and ratios.

    run.py [tunnel] [direct] [handshake] [idle] [flood]      all when none is named

Needs the release binaries (scripts/build), iperf3, stunnel4, openssl and taskset. Rounds of the two sides alternate, so that
what else the machine does hits both. Everything runs on loopback; loads are bounded in count and time.
"""
import json
import os
import re
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("OUTPOST_BIN", os.path.join(ROOT, ".build/release"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
SECONDS = int(os.environ.get("SECONDS_PER_TEST", "3"))
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
rows = []


def row(what, ours, theirs, ratio, bar, met):
    rows.append((what, ours, theirs, ratio, bar, met))
    print(f"  {what}: {ours} against {theirs}, ratio {ratio}, bar {bar}, {met}", file=sys.stderr, flush=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port):
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"nothing listens on {port}")


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


def resident(pid):
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)) / 1024


def switches(pid):
    """Voluntary context switches by thread: one for each wake-up of a thread that sleeps."""
    counts = {}
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status") as file:
            counts[task] = int(re.search(r"\nvoluntary_ctxt_switches:\s+(\d+)", file.read()).group(1))
    return counts


class Reflector:
    """A reflector with a fresh state folder, and a client paired with it."""

    def __init__(self, mode="tunneled", prefix=(), extra=None):
        self.folder = tempfile.mkdtemp(prefix="bench-")
        self.port = free_port()
        self.environment = dict(
            os.environ,
            REFLECTOR_IDENTITY_PRIVATE_KEY_PATH=self.folder + "/r/identity.ed25519",
            REFLECTOR_NETWORK_LISTEN_ADDRESS=f"127.0.0.1:{self.port}",
            REFLECTOR_NETWORK_MODE=mode,
            REFLECTOR_HEALTH_LISTEN_ADDRESS="127.0.0.1:0",
            REFLECTOR_QUOTAS_COOLDOWN_SEC="0",
            REFLECTOR_QUOTAS_MAX_TESTS_PER_HOUR_PER_PEER="100000",
            REFLECTOR_QUOTAS_MAX_BYTES_PER_DAY_PER_PEER=str(1 << 50),
            PARAMEDIC_STATE=self.folder + "/p",
            **(extra or {}),
        )
        self.process = subprocess.Popen(
            [*prefix, f"{BIN}/reflector", "serve"],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(self.port)
        for _ in range(100):
            if subprocess.run([f"{BIN}/reflector", "status"], env=self.environment, capture_output=True).returncode == 0:
                break
            time.sleep(0.05)

    def pair(self):
        offer = json.loads(self.reflector("pair", "--json"))
        self.paramedic(
            "pair", f"127.0.0.1:{self.port}", "--id", offer["endpoint_id"], "--token", offer["pairing_token"]
        )
        return self

    def reflector(self, *arguments):
        return self.run("reflector", *arguments)

    def paramedic(self, *arguments):
        return self.run("paramedic", *arguments)

    def run(self, tool, *arguments):
        done = subprocess.run([f"{BIN}/{tool}", *arguments], env=self.environment, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{tool} {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def throughput(self, engine, streams, reverse):
        """Gbit/s that arrived."""
        flags = ["--reverse"] if reverse else []
        result = json.loads(
            self.paramedic(
                "throughput", "--json", "--engine", engine, "--streams", str(streams), "--duration", str(SECONDS), *flags
            )
        )
        return result["directions"][0]["received_bps"] / 1e9

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)


def iperf(port, streams, reverse):
    """Gbit/s that arrived, of a plain iperf3 client against a server on `port`."""
    command = ["iperf3", "-c", "127.0.0.1", "-p", str(port), "-J", "-t", str(SECONDS), "-P", str(streams)]
    done = subprocess.run(command + (["-R"] if reverse else []), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["end"]["sum_received"]["bits_per_second"] / 1e9


class Stunnel:
    """iperf3 behind two stunnel hops, as people protect it today."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="bench-")
        self.iperf_port, middle, self.port = free_port(), free_port(), free_port()
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "2", "-subj", "/CN=bench",
             "-keyout", self.folder + "/key.pem", "-out", self.folder + "/cert.pem"],
            check=True, capture_output=True,
        )
        common = f"foreground = yes\npid =\ndebug = 3\ncert = {self.folder}/cert.pem\nkey = {self.folder}/key.pem\n"
        sides = {
            "server": f"[s]\naccept = 127.0.0.1:{middle}\nconnect = 127.0.0.1:{self.iperf_port}\n"
                      f"verifyPeer = yes\nCAfile = {self.folder}/cert.pem\nsslVersionMin = TLSv1.3\n",
            "client": f"[c]\nclient = yes\naccept = 127.0.0.1:{self.port}\nconnect = 127.0.0.1:{middle}\n"
                      f"verifyPeer = yes\nCAfile = {self.folder}/cert.pem\nsslVersionMin = TLSv1.3\n",
        }
        self.processes = [
            subprocess.Popen(["iperf3", "-s", "-B", "127.0.0.1", "-p", str(self.iperf_port)],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        ]
        for name, text in sides.items():
            path = f"{self.folder}/{name}.conf"
            with open(path, "w") as file:
                file.write(common + text)
            self.processes.append(
                subprocess.Popen(["stunnel4", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            )
        # A connection to look would be taken by iperf3 for a client; it needs this long to start.
        time.sleep(1)

    def stop(self):
        for process in self.processes:
            process.terminate()
            process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)


def verdict(ratio, bar):
    return "met" if ratio >= bar else "NOT MET"


def tunnel():
    ours, theirs = Reflector().pair(), Stunnel()
    try:
        for streams in (1, 4):
            for reverse in (False, True):
                figures = {"native": [], "iperf3": [], "stunnel": []}
                for _ in range(ROUNDS):
                    figures["stunnel"].append(iperf(theirs.port, streams, reverse))
                    for engine in ("native", "iperf3"):
                        figures[engine].append(ours.throughput(engine, streams, reverse))
                median = {name: statistics.median(values) for name, values in figures.items()}
                for engine, bar in (("iperf3", 1.0), ("native", 1.5)):
                    ratio = median[engine] / median["stunnel"]
                    row(
                        f"tunneled {engine}, {streams} stream{'s' if streams > 1 else ''}, {'down' if reverse else 'up'}",
                        f"{median[engine]:.1f} Gbit/s", f"iperf3 through stunnel {median['stunnel']:.1f} Gbit/s",
                        f"{ratio:.2f}", f"≥ {bar}", verdict(ratio, bar),
                    )
    finally:
        ours.stop()
        theirs.stop()


def direct():
    ours = Reflector("direct_ephemeral").pair()
    port = free_port()
    server = subprocess.Popen(["iperf3", "-s", "-B", "127.0.0.1", "-p", str(port)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    try:
        for streams in (1, 4):
            for reverse in (False, True):
                own, peer = [], []
                for _ in range(ROUNDS):
                    peer.append(iperf(port, streams, reverse))
                    own.append(ours.throughput("native", streams, reverse))
                ratio = statistics.median(own) / statistics.median(peer)
                row(
                    f"direct native, {streams} stream{'s' if streams > 1 else ''}, {'down' if reverse else 'up'}",
                    f"{statistics.median(own):.1f} Gbit/s", f"iperf3 {statistics.median(peer):.1f} Gbit/s",
                    f"{ratio:.2f}", "≥ 0.95" if streams == 4 else "–",
                    verdict(ratio, 0.95) if streams == 4 else "–",
                )
    finally:
        ours.stop()
        server.terminate()
        server.wait()


CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def endpoint_id(public_key):
    """The ID of a raw Ed25519 key, by the rules of Docs/PROTOCOL.md."""
    number = int.from_bytes(public_key, "big") << 4
    symbols = [(number >> (5 * (51 - index))) & 31 for index in range(52)]
    total = 0
    for index, symbol in enumerate(reversed(symbols)):
        product = symbol * (2 if index % 2 == 0 else 1)
        total += product // 32 + product % 32
    text = "".join(CROCKFORD[symbol] for symbol in symbols)
    groups = "-".join(text[index:index + 4] for index in range(0, 52, 4))
    return f"PP-{groups}-{CROCKFORD[(32 - total % 32) % 32]}"


class Key:
    """A peer's key and its TLS."""

    def __init__(self, folder, name):
        self.key, self.cert = f"{folder}/{name}.key", f"{folder}/{name}.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "2", "-subj", "/CN=bench",
                        "-keyout", self.key, "-out", self.cert], check=True, capture_output=True)
        der = subprocess.run(["openssl", "pkey", "-in", self.key, "-pubout", "-outform", "DER"],
                             check=True, capture_output=True).stdout
        self.id = endpoint_id(der[-32:])

    def context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(self.cert, self.key)
        context.set_alpn_protocols(["pp-link/1"])
        return context


def handshake():
    """Mutual TLS and one exchange: server's processor time for each, with one client that does both alike."""
    count = int(os.environ.get("HANDSHAKES", "1000"))
    folder = tempfile.mkdtemp(prefix="bench-")
    # A peer for each round: one that connects on and on would wait for its budget of control bytes.
    peers = [Key(folder, f"peer-{number}") for number in range(ROUNDS)]
    key, cert = peers[0].key, peers[0].cert
    hello = b'{"request_id":"1","payload":{"type":"hello","version":"1.0","features":[]}}'
    ours = Reflector(prefix=("taskset", "-c", "0"), extra={"REFLECTOR_ACCESS_AUTHORIZED_PEERS": ",".join(one.id for one in peers)})
    port = free_port()
    theirs = subprocess.Popen(
        ["taskset", "-c", "0", "openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", cert, "-key", key,
         "-Verify", "1", "-tls1_3", "-alpn", "pp-link/1", "-rev", "-quiet"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(port)
    os.sched_setaffinity(0, {1} if (os.cpu_count() or 1) > 1 else {0})

    def exchange(context, port, question, whole):
        with socket.create_connection(("127.0.0.1", port)) as raw:
            with context.wrap_socket(raw) as tls:
                tls.sendall(question)
                answer = b""
                while not whole(answer):
                    part = tls.recv(4096)
                    if not part:
                        raise SystemExit("the server closed the connection")
                    answer += part

    try:
        figures = {"ours": [], "theirs": []}
        for one in peers:
            context = one.context()
            for name, pid, number, question, whole in (
                ("ours", ours.process.pid, ours.port, len(hello).to_bytes(4, "big") + hello,
                 lambda answer: len(answer) >= 4 and len(answer) >= 4 + int.from_bytes(answer[:4], "big")),
                ("theirs", theirs.pid, port, b"hello\n", lambda answer: answer.endswith(b"\n")),
            ):
                before = cpu_seconds(pid)
                for _ in range(count):
                    exchange(context, number, question, whole)
                figures[name].append(count / (cpu_seconds(pid) - before))
        own, peer_rate = statistics.median(figures["ours"]), statistics.median(figures["theirs"])
        row("mutual-TLS connect + hello, a second of one core", f"{own:.0f}", f"openssl s_server {peer_rate:.0f}",
            f"{own / peer_rate:.2f}", "≥ 0.6", verdict(own / peer_rate, 0.6))
    finally:
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
        ours.stop()
        theirs.terminate()
        theirs.wait()
        shutil.rmtree(folder, ignore_errors=True)


def idle():
    """A minute of rest after one test."""
    seconds = int(os.environ.get("IDLE_SECONDS", "60"))
    ours = Reflector().pair()
    try:
        ours.throughput("native", 4, False)
        # The threads that the test needed end within seconds.
        time.sleep(10)
        pid = ours.process.pid
        cpu, woken, before = cpu_seconds(pid), switches(pid), resident(pid)
        time.sleep(seconds)
        cpu, after = cpu_seconds(pid) - cpu, resident(pid)
        # A thread that is new has woken since it began; one that is gone ended and wakes no more.
        woken = sum(count - woken.get(task, 0) for task, count in switches(pid).items())
        share = cpu / seconds * 100
        row(f"idle for {seconds} s: processor", f"{share:.3f} %", "–", "–", "< 0.1 %", "met" if share < 0.1 else "NOT MET")
        row(f"idle for {seconds} s: wake-ups a second", f"{woken / seconds:.2f}", "–", "–", "≤ 1",
            "met" if woken <= seconds else "NOT MET")
        row(f"idle for {seconds} s: memory", f"{after:.1f} MB (was {before:.1f})", "–", "–", "≤ 40 MB, steady",
            "met" if after <= 40 and abs(after - before) < 1 else "NOT MET")
    finally:
        ours.stop()


def flood():
    """A thousand connections that stall, from one address and from many."""
    for many in (False, True):
        ours = Reflector().pair()
        stalled = []
        try:
            ours.paramedic("latency", "--duration", "1")
            pid = ours.process.pid
            before = resident(pid)
            for index in range(1000):
                connection = socket.socket()
                if many:
                    connection.bind((f"127.0.{1 + index // 200}.{1 + index % 200}", 0))
                connection.connect(("127.0.0.1", ours.port))
                connection.sendall(b"\x16\x03\x01")
                stalled.append(connection)
            during = resident(pid)
            began = time.monotonic()
            ours.paramedic("path")
            took = time.monotonic() - began
            for connection in stalled:
                connection.close()
            stalled = []
            time.sleep(12)
            after = resident(pid)
            where = "200 addresses each" if many else "one address"
            row(f"1 000 stalled connections from {where}: a paired peer is served in", f"{took * 1000:.0f} ms", "–", "–",
                "≤ 1 s", "met" if took <= 1 else "NOT MET")
            row(f"1 000 stalled connections from {where}: memory", f"{before:.1f} → {during:.1f} → {after:.1f} MB", "–", "–",
                "returns", "met" if after - before < 4 else "NOT MET")
        finally:
            for connection in stalled:
                connection.close()
            ours.stop()


def main():
    known = {"tunnel": tunnel, "direct": direct, "handshake": handshake, "idle": idle, "flood": flood}
    wanted = sys.argv[1:] or list(known)
    for name in wanted:
        if name not in known:
            raise SystemExit(__doc__)
    for name in wanted:
        known[name]()
    print("| what | here | peer | ratio | bar | |")
    print("| --- | --- | --- | --- | --- | --- |")
    for entry in rows:
        print("| " + " | ".join(entry) + " |")


if __name__ == "__main__":
    main()
