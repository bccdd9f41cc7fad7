"""A member of a cluster (Docs/NETWORK-PROTOCOL.md, Clusters): its table, its messages, and how it handles them."""
import math
import os
import random
import select
import socket
import struct
import time

from connection import now
from swim import (
    ACK, ALIVE, DEAD, GOSSIP, HIGHEST, LEFT, LOWEST, LONGEST, NACK, OVERHEAD, PAGE, PING, PING_REQUEST, PULL, SUSPECT, Update, WrongDatagram,
    decode, digest, encode)

TOLERANCE = 30_000


class Known:
    """What is known about one member."""

    def __init__(self, update):
        self.address, self.messaging = update.address, update.messaging
        self.incarnation, self.claim = update.incarnation, ALIVE
        self.accusers, self.since = set(), time.monotonic()

    def is_live(self):
        return self.claim in (ALIVE, SUSPECT)


class Member:
    """Call `turn` repeatedly. `seen` counts received messages, by type."""

    def __init__(self, keys, identity, seeds, messaging, period=1.0, ping_timeout=0.3):
        self.keys, self.id, self.seeds, self.period, self.ping_timeout = keys, identity.public, seeds, period, ping_timeout
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = self.socket.getsockname()
        self.incarnation, self.has_left = now(), False
        self.messaging = messaging
        self.others = {}
        self.news = {}
        self.nonces = set()
        self.seen = dict.fromkeys(range(1, 8), 0)
        # False claims about this member.
        self.contradictions = 0
        self.answers = {}
        self.relays = {}
        self.pull = None
        self.has_joined = not seeds
        self.probe = None
        self.next_probe = self.next_gossip = self.next_join = time.monotonic()

    # Sending

    def own_update(self):
        if self.has_left:
            return Update(LEFT, self.id, self.incarnation)
        return Update(ALIVE, self.id, self.incarnation, self.address, self.messaging)

    def update_of(self, id):
        if id == self.id:
            return self.own_update()
        known = self.others[id]
        return Update(known.claim, id, known.incarnation, known.address, known.messaging, known.accusers)

    def live(self):
        return [id for id, known in self.others.items() if known.is_live()]

    def digest(self):
        return digest([(self.id, self.incarnation)] + [(id, self.others[id].incarnation) for id in self.live()])

    def tell(self, id):
        """News: sent 3·⌈log₂(members + 1)⌉ times."""
        self.news[id] = 0

    def send(self, address, type, *body, updates=()):
        """With as much news as fits; a page has its own updates."""
        updates = list(updates)
        if type != PAGE:
            known = next((id for id, known in self.others.items() if known.address == address), None)
            if known and self.others[known].claim != ALIVE:
                updates.append(self.update_of(known))
            if type == PULL:
                updates.append(self.own_update())
            room = LONGEST - OVERHEAD - len(encode(type, self.id, body, updates))
            most = 3 * math.ceil(math.log2(len(self.live()) + 2))
            for id in sorted(self.news, key=self.news.get):
                update = self.update_of(id)
                if len(update.encode()) > room:
                    break
                room -= len(update.encode())
                updates.append(update)
                self.news[id] += 1
            self.news = {id: times for id, times in self.news.items() if times < most}
        self.send_datagram(address, self.keys.seal(encode(type, self.id, body, updates), now(), os.urandom(24)))

    def send_datagram(self, address, datagram):
        try:
            self.socket.sendto(datagram, address)
        except OSError:
            # An ICMP error for an earlier datagram.
            pass

    def sequence(self):
        return struct.unpack(">Q", os.urandom(8))[0]

    # Receiving

    def turn(self):
        if select.select([self.socket], [], [], 0.01)[0]:
            try:
                datagram, source = self.socket.recvfrom(2_048)
                self.receive(datagram, source)
            except WrongDatagram as error:
                print(f"dropped: {error}", flush=True)
            except ConnectionError:
                pass
        self.do_what_is_due(time.monotonic())

    def receive(self, datagram, source):
        data, sent_at = self.keys.open(datagram)
        nonce = datagram[6:14]
        if abs(sent_at - now()) > TOLERANCE or nonce in self.nonces:
            raise WrongDatagram("not in its time, or again")
        self.nonces.add(nonce)
        type, sender, body, updates = decode(data)
        self.seen[type] += 1
        if type == PAGE:
            self.take_page(sender, body, updates)
        else:
            for update in updates:
                self.take(update)
        address = source
        if sender in self.others:
            address = self.others[sender].address
        if type == PULL:
            address = next((update.address for update in updates if update.member == sender and update.claim == ALIVE), address)
        self.answer(type, sender, body, address)
        if sender not in self.others:
            self.begin_pull(address, is_answer=1)

    def answer(self, type, sender, body, address):
        if type == PING and body[1] == self.id:
            self.send(address, ACK, body[0])
        elif type == PING_REQUEST and body[1] in self.others:
            sequence = self.sequence()
            self.relays[sequence] = (address, body[0], time.monotonic() + self.ping_timeout)
            self.send(self.others[body[1]].address, PING, sequence, body[1])
        elif type == ACK:
            self.answers[body[0]] = self.answers.get(body[0], 0) + 1
            if self.probe and self.probe[0] == body[0]:
                self.probe = None
            if body[0] in self.relays:
                origin, sequence, _ = self.relays.pop(body[0])
                self.send(origin, ACK, sequence)
        elif type == NACK:
            self.answers[body[0]] = NACK_ANSWER
        elif type == PULL:
            sequence, flags, cursor, theirs = body
            self.send_pages(sequence, cursor, theirs, address)
            if not flags & 1 and cursor == LOWEST and theirs != self.digest():
                self.begin_pull(address, is_answer=1)

    # Claims

    def take(self, update):
        if update.member == self.id:
            return self.contradict(update)
        known = self.others.get(update.member)
        i = update.incarnation
        if known is None:
            if update.claim == ALIVE:
                self.others[update.member] = Known(update)
                self.tell(update.member)
            return
        if update.claim == ALIVE and i > known.incarnation:
            self.others[update.member] = Known(update)
        elif update.claim == SUSPECT and known.is_live() and i >= known.incarnation:
            if known.claim == SUSPECT and i == known.incarnation:
                if set(update.accusers) <= known.accusers or len(known.accusers) == 4:
                    return
                known.accusers = set(list(known.accusers | set(update.accusers))[:4])
            else:
                known.claim, known.incarnation, known.accusers = SUSPECT, i, set(update.accusers)
                known.since = time.monotonic()
        elif update.claim in (DEAD, LEFT) and i >= known.incarnation:
            was_live = known.is_live()
            known.incarnation = i
            if known.claim != LEFT:
                known.claim = update.claim
            if not was_live:
                return
        else:
            return
        self.tell(update.member)

    def contradict(self, update):
        is_so = update.claim == ALIVE and (update.incarnation, update.address) == (self.incarnation, self.address)
        if update.incarnation < self.incarnation or is_so or (self.has_left and update.claim == LEFT):
            return
        self.incarnation = update.incarnation + 1
        self.contradictions += 1
        self.tell(self.id)

    # Pages

    def begin_pull(self, address, is_answer):
        if self.pull is None and not self.has_left:
            self.pull = {"address": address, "flags": is_answer, "cursor": LOWEST, "pages": 0}
            self.ask_for_pages()

    def ask_for_pages(self):
        self.pull |= {"sequence": self.sequence(), "until": time.monotonic() + self.period, "pages": 0}
        own = self.digest() if self.pull["cursor"] == LOWEST else 0
        self.send(self.pull["address"], PULL, self.pull["sequence"], self.pull["flags"], self.pull["cursor"], own)

    def take_page(self, sender, body, updates):
        sequence, flags, cursor, through = body
        self.answers[sequence] = (flags, cursor, through, len(updates))
        if not self.pull or self.pull["sequence"] != sequence:
            return
        for update in updates:
            if update.claim == DEAD:
                update = Update(SUSPECT, update.member, update.incarnation, accusers=[sender[:4]])
            self.take(update)
        if cursor != self.pull["cursor"]:
            return
        if flags & 1:
            self.pull, self.has_joined = None, True
            return
        self.pull["cursor"] = through
        self.pull["pages"] += 1
        if self.pull["pages"] == 8:
            self.ask_for_pages()

    def send_pages(self, sequence, cursor, theirs, address):
        if cursor == LOWEST and theirs == self.digest():
            return self.send(address, PAGE, sequence, 1, LOWEST, HIGHEST)
        ids = sorted(id for id in [*self.others, self.id] if id > cursor)
        for _ in range(8):
            updates, start = [], cursor
            room = LONGEST - OVERHEAD - len(encode(PAGE, self.id, (0, 0, LOWEST, LOWEST)))
            while ids:
                told = [self.update_of(ids[0])]
                if told[0].claim == SUSPECT:
                    known = self.others[ids[0]]
                    told.insert(0, Update(ALIVE, ids[0], known.incarnation, known.address, known.messaging))
                size = sum(len(update.encode()) for update in told)
                if size > room:
                    break
                room -= size
                updates += told
                cursor = ids.pop(0)
            is_last = not ids
            self.send(address, PAGE, sequence, int(is_last), start, HIGHEST if is_last else cursor, updates=updates)
            if is_last:
                return

    # Timers

    def do_what_is_due(self, at):
        if self.pull and at > self.pull["until"]:
            self.pull = None
        if not self.has_joined and self.pull is None and at > self.next_join:
            self.next_join = at + self.period
            self.begin_pull(random.choice(self.seeds), is_answer=0)
        for sequence in [sequence for sequence, relay in self.relays.items() if at > relay[2]]:
            origin, theirs, _ = self.relays.pop(sequence)
            self.send(origin, NACK, theirs)
        if at > self.next_probe:
            self.next_probe = at + self.period
            self.end_probe()
            self.begin_probe(at)
        if self.probe and at > self.probe[2]:
            self.ask_others()
        if self.news and at > self.next_gossip:
            self.next_gossip = at + self.period / 10
            for id in random.sample(self.live(), min(3, len(self.live()))):
                self.send(self.others[id].address, GOSSIP)
        self.bury(at)

    def begin_probe(self, at):
        if self.live() and not self.has_left:
            target, sequence = random.choice(self.live()), self.sequence()
            self.probe = (sequence, target, at + self.ping_timeout)
            self.send(self.others[target].address, PING, sequence, target)

    def ask_others(self):
        sequence, target, _ = self.probe
        self.probe = (sequence, target, math.inf)
        helpers = [id for id in self.live() if id != target]
        for helper in random.sample(helpers, min(3, len(helpers))):
            self.send(self.others[helper].address, PING_REQUEST, sequence, target)

    def end_probe(self):
        if self.probe and self.others[self.probe[1]].is_live():
            target = self.probe[1]
            self.take(Update(SUSPECT, target, self.others[target].incarnation, accusers=[self.id[:4]]))
        self.probe = None

    def bury(self, at):
        """Suspects without news for the longest time that a suspicion takes."""
        longest = 3 * max(2, math.log10(len(self.live()) + 1)) * self.period
        for id, known in self.others.items():
            if known.claim == SUSPECT and at > known.since + longest:
                self.take(Update(DEAD, id, known.incarnation))

    def leave(self):
        self.has_left, self.pull, self.probe = True, None, None
        self.incarnation += 1
        self.tell(self.id)


NACK_ANSWER = "nack"
