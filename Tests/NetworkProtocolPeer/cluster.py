"""A member's role among the library's members: joins, is found alive, sends every request, and leaves on request."""
import os
import signal
import socket
import threading
import time

import swim
from checks import expect, write_whole
from client import Client
from connection import Closed, Connection, Failed, now
from daemon import Daemon
from handshake import Refused, Trust
from member import NACK_ANSWER, Member
from messages import BINCODE
from packets import LZ4
from primitives import Identity

PATIENCE = 60
# A failure's code (Docs/NETWORK-PROTOCOL.md).
NOT_ADMITTED = 5


class LiveMembers:
    """The admitted keys: those of the members that are currently alive."""

    def __init__(self, member):
        self.member = member

    def __contains__(self, key):
        return key in self.member.live()


class Scenario:
    def __init__(self, key, name, identity, seeds, period, ping_timeout):
        self.keys, self.identity = swim.ClusterKeys(key, name), identity
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.member = Member(self.keys, identity, seeds, self.listener.getsockname()[1], period, ping_timeout)
        self.is_leaving = False
        signal.signal(signal.SIGTERM, self.told_to_leave)

    def told_to_leave(self, *_):
        self.is_leaving = True

    # Messages of members

    def take_messages(self):
        while True:
            link, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=[link], daemon=True).start()

    def serve(self, link):
        trust = Trust(self.identity, LiveMembers(self.member), self.keys.messaging)
        try:
            Daemon(Connection(link).open_as_daemon(trust), is_sealed=True).serve()
        except (Closed, Refused, OSError):
            pass

    def ask(self, id):
        """A request to a member, over TCP."""
        known = self.member.others[id]
        trust = Trust(self.identity, {id}, self.keys.messaging)
        client = Client(f"{known.address[0]}:{known.messaging}", trust, BINCODE, LZ4)
        connection = client.connect()
        expect(client.ask(connection, "reverse", b"member"), ("Response", b"rebmem"), "the answer of a member")
        connection.say_good_bye()

    def is_answered(self, id):
        """A member that considers this one failed, as on a busy machine, refuses the connection until it learns otherwise."""
        try:
            self.ask(id)
        except (Closed, Refused, OSError):
            return False
        except Failed as failure:
            if failure.code != NOT_ADMITTED:
                raise
            return False
        return True

    # The run

    def until(self, what, condition):
        end = time.monotonic() + PATIENCE
        while not condition():
            self.member.turn()
            if time.monotonic() > end:
                raise AssertionError(f"it did not come to this: {what}; seen {self.member.seen}")

    def run(self, count, address_file, done_file):
        """`count` members of the library are there before it joins."""
        member = self.member
        write_whole(address_file, "%s:%d" % member.address)
        threading.Thread(target=self.take_messages, daemon=True).start()
        self.until("it joins", lambda: member.has_joined and len(member.live()) >= count)
        # If none of its acks is accepted, every other ping causes a suspicion.
        self.until("its acks are taken", lambda: member.seen[swim.PING] >= max(8, 4 * member.contradictions))
        first, second = sorted(member.live())[:2]
        self.once(first)
        self.through(first, second)
        self.same_digest(first)
        for id in (first, second):
            self.until("a member answers over TCP", lambda: self.is_answered(id))
        self.absent(first)
        write_whole(done_file, "done")
        self.until("the order to leave arrives", lambda: self.is_leaving)
        member.leave()
        self.until("all news is sent", lambda: not member.news)

    def once(self, id):
        """A ping that arrives twice is answered once."""
        member, sequence = self.member, self.member.sequence()
        datagram = self.keys.seal(swim.encode(swim.PING, member.id, (sequence, id)), now(), os.urandom(24))
        for _ in range(2):
            member.send_datagram(member.others[id].address, datagram)
        self.until("a ping is answered", lambda: sequence in member.answers)
        end = time.monotonic() + member.period
        self.until("another answer could be there", lambda: time.monotonic() > end)
        expect(member.answers[sequence], 1, "answers to a ping that came twice")

    def through(self, helper, target):
        member, sequence = self.member, self.member.sequence()
        member.send(member.others[helper].address, swim.PING_REQUEST, sequence, target)
        self.until("a helper forwards an ack", lambda: sequence in member.answers)
        expect(member.answers[sequence], 1, "what the helper says")

    def same_digest(self, id):
        """A member with the same digest gets one empty page."""
        member, sequences = self.member, []
        asked = 0.0

        def is_told_so():
            nonlocal asked
            if time.monotonic() > asked + member.period:
                sequences.append(member.sequence())
                asked = time.monotonic()
                member.send(member.others[id].address, swim.PULL, sequences[-1], 0, swim.LOWEST, member.digest())
            return (1, swim.LOWEST, swim.HIGHEST, 0) in [member.answers.get(sequence) for sequence in sequences]

        self.until("the digests are the same", is_told_so)

    def absent(self, helper):
        """An alleged member that does not answer: the helper reports that."""
        member, sequence = self.member, self.member.sequence()
        absent = Identity(b"absent member of the cluster....").public
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
            mute.bind(("127.0.0.1", 0))
            alive = swim.Update(swim.ALIVE, absent, now(), mute.getsockname())
            address = member.others[helper].address
            message = swim.encode(swim.PING_REQUEST, member.id, (sequence, absent), [alive])
            member.send_datagram(address, self.keys.seal(message, now(), os.urandom(24)))
            self.until("a helper says that it got no answer", lambda: sequence in member.answers)
        expect(member.answers[sequence], NACK_ANSWER, "what the helper says")
        member.take(alive)
        member.take(swim.Update(swim.LEFT, absent, alive.incarnation + 1))
