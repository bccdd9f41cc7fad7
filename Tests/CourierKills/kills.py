#!/usr/bin/env python3
"""Kills either side of a transfer at random moments until it is through, again and again, and checks what is left.

    kills.py COURIER KILLS [SEED] [MEBIBYTES]

A folder with a large file, small files, an empty one and a link is sent over loopback. After so many kills (SIGKILL) in all, over as many
transfers as that takes, it ends. It fails if
- a file has its name and not its content,
- chunks that the journal had are sent again,
- a transfer does not come to its end, or leaves a part, a journal or a list of small files behind.
"""
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HEAD, RECORD, CHUNK = 88, 48, 262144


def start(courier, folder, *arguments):
    """Its output goes to a file: a pipe that is not read would hold it up."""
    environment = dict(os.environ, XDG_STATE_HOME=folder + "/state")
    output = f"{folder}/{arguments[0]}.out"
    with open(output, "w") as file:
        return subprocess.Popen([courier, *arguments], env=environment, stdout=file, stderr=subprocess.PIPE, text=True)


def lines(folder, command):
    return open(f"{folder}/{command}.out").read().split("\n", 1)


def ticket_of(folder, receiver):
    for _ in range(1000):
        first = lines(folder, "receive")
        if len(first) > 1:
            return first[0]
        if receiver.poll() is not None:
            break
        time.sleep(0.01)
    sys.exit("receive: " + receiver.stderr.read())


def make(folder, megabytes, generator):
    root = folder + "/tree"
    os.makedirs(root + "/sub")
    with open(root + "/large", "wb") as file:
        for _ in range(megabytes):
            file.write(generator.randbytes(1 << 20))
        file.write(generator.randbytes(12345))
    for index in range(300):
        with open(f"{root}/sub/small-{index}", "wb") as file:
            file.write(generator.randbytes(generator.randrange(0, 60000) if index else 0))
    os.symlink("../large", root + "/sub/link")
    return root


def content(root):
    found = {}
    for path, folders, names in os.walk(root):
        for name in names:
            whole = os.path.join(path, name)
            key = os.path.relpath(whole, root)
            found[key] = os.readlink(whole) if os.path.islink(whole) else open(whole, "rb").read()
    return found


def check_finished(target, expected):
    """What has its final name has its content. A small file without permissions is one that was cut."""
    if not os.path.isdir(target):
        return
    for path, folders, names in os.walk(target):
        for name in names:
            whole = os.path.join(path, name)
            if name.endswith((".courier-part", ".courier-journal")) or name == ".courier-batch" or os.path.islink(whole):
                continue
            if os.stat(whole).st_mode & 0o777 == 0:
                continue
            key = os.path.relpath(whole, target)
            if open(whole, "rb").read() != expected[key]:
                sys.exit(f"{whole} has its name and not its content")


def journaled(target):
    try:
        size = os.stat(target + "/large.courier-journal").st_size
    except FileNotFoundError:
        return 0
    return max(0, size - HEAD) // RECORD


def main():
    courier, kills = sys.argv[1], int(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 30)
    megabytes = int(sys.argv[4]) if len(sys.argv) > 4 else 24
    generator = random.Random(seed)
    print(f"seed {seed}")
    done = transfers = continued = 0
    longest = 0.5
    while done < kills:
        folder = tempfile.mkdtemp(prefix="outpost-kills-")
        receiver = sender = None
        try:
            root = make(folder, megabytes, generator)
            expected = content(root)
            target = folder + "/in/tree"
            began = time.monotonic()
            attempts, history = 0, []
            while True:
                attempts += 1
                if attempts > 200:
                    sys.exit("a transfer does not come to its end")
                before = journaled(target)
                if receiver is not None and receiver.poll() is not None:
                    # It was through when its sender was killed.
                    if receiver.returncode != 0:
                        sys.exit(f"receive ended with {receiver.returncode}: {receiver.stderr.read()}")
                    receiver = None
                if receiver is None:
                    receiver = start(courier, folder, "receive", "--yes", "--once", "--json", "--listen", "127.0.0.1:0", "--to", folder + "/in")
                    ticket = ticket_of(folder, receiver)
                sender = start(courier, folder, "send", root, ticket, "--json")
                # The last attempts may take their time.
                pause = generator.uniform(0, longest) if done < kills else 120
                try:
                    code = sender.wait(timeout=pause)
                except subprocess.TimeoutExpired:
                    code = None
                if code is not None:
                    if code != 0:
                        sys.exit(f"send ended with {code}: {sender.stderr.read()} receiver {receiver.poll()} after {history}")
                    receiver.wait(timeout=60)
                    errors = receiver.stderr.read()
                    if receiver.returncode != 0:
                        sys.exit(f"receive ended with {receiver.returncode}: {errors}")
                    result = json.loads(lines(folder, "receive")[1])
                    # What the journal had at the start was kept, but for what a takeover may have added since.
                    if before and result["kept_bytes"] < before * CHUNK - CHUNK:
                        sys.exit(f"{before} chunks were verified, but only {result['kept_bytes']} bytes were kept")
                    receiver = None
                    continued += attempts > 1
                    longest = max(0.1, min(2.0, time.monotonic() - began))
                    break
                victim = generator.choice(["sender", "receiver"])
                history.append((victim, round(pause, 3)))
                done += 1
                if victim == "sender":
                    sender.send_signal(signal.SIGKILL)
                    sender.wait()
                else:
                    receiver.send_signal(signal.SIGKILL)
                    receiver.wait()
                    receiver = None
                    # It would notice after its idle timeout.
                    sender.send_signal(signal.SIGKILL)
                    sender.wait()
                check_finished(target, expected)
            if content(target) != expected:
                sys.exit("the folders differ")
            left = [name for name in os.listdir(folder + "/in") if name != "tree"]
            if left:
                sys.exit(f"left behind: {left}")
            transfers += 1
        finally:
            for process in (receiver, sender):
                if process is not None and process.poll() is None:
                    process.kill()
                    process.wait()
            shutil.rmtree(folder, ignore_errors=True)
    print(f"{done} kills, {transfers} transfers, {continued} continued")


main()
