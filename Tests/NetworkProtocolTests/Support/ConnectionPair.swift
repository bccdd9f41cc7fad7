internal import Cryptography
internal import NIOCore
internal import NetworkSimulation

@testable import NetworkProtocol

/// Two connections as values on a simulated link: bytes arrive in pieces, after a delay, and may stop anywhere. No real
/// time passes, and the same seed gives the same run.
final class ConnectionPair {
    enum End: Int, CaseIterable {
        case client, daemon
        var other: End { self == .client ? .daemon : .client }
    }

    /// One of the two, and what it observed.
    final class Side {
        var core: ConnectionCore
        fileprivate var input: [UInt8] = []
        fileprivate var link: SimulatedLink
        /// Bytes that it sent.
        var sent = 0
        /// How many of them arrive; later ones never do.
        var arriving = Int.max
        var isOpen = false
        var received: [Message] = []
        var pings = 0
        /// Why it ended, each time that it reported an end.
        var ends: [ConnectionError] = []
        /// When it ended, in nanoseconds.
        var endedAt: Int64?
        fileprivate var timer = Int64.max
        fileprivate var isOutputClosed = false
        /// Its sent bytes are lost, and no system reports it.
        fileprivate var isSilent = false

        fileprivate init(_ core: consuming ConnectionCore, _ link: SimulatedLink) {
            self.core = core
            self.link = link
        }
    }

    private enum Happening {
        case bytes([UInt8], End)
        case closed(End)
        case timer(End)
    }

    private(set) var now: Int64 = 0
    let sides: [Side]
    private let start = ContinuousClock.now
    private var queue = EventQueue<Happening>()
    private var random: SplitMix64

    init(
        seed: UInt64 = 0,
        trust: Trust? = .anonymous,
        conditions: SimulatedLink.Conditions = .init(),
        options: ConnectionOptions = ConnectionOptions()
    ) {
        random = SplitMix64(seed: seed)
        let start = start
        sides = End.allCases.map { end in
            let core = ConnectionCore(
                side: end == .client ? .initiator : .responder,
                trust: trust,
                options: options,
                contexts: CipherContexts(),
                now: start
            )
            return Side(core, SimulatedLink(conditions))
        }
    }

    subscript(_ end: End) -> Side { sides[end.rawValue] }

    /// Both are connected.
    func connect() {
        for end in [End.daemon, .client] {
            let step = self[end].core.connected(now: instant, wallClock: wallClock, isTLS: false, using: &random)
            act(step, at: end)
            schedule(end)
        }
    }

    func send(_ message: Message, from end: End) { transmit(message, from: end, isSealed: nil) }

    /// Nothing that this side sends arrives from here on.
    func silence(_ end: End) { self[end].isSilent = true }

    func finish(_ end: End) {
        guard case .began = self[end].core.finish(.closed) else { return }
        proceed(end)
    }

    /// Runs until nothing is left to happen, or this many nanoseconds have passed.
    func run(for time: Int64 = .max) {
        let end = time == .max ? .max : now + time
        while queue.nextTime != .max, queue.nextTime <= end {
            let event = queue.removeFirst()
            now = event.time
            switch event.kind {
            case .bytes(let bytes, let end): deliver(bytes, to: end)
            case .closed(let end): closeInput(of: end)
            case .timer(let end):
                guard self[end].timer == event.time else { continue }
                self[end].timer = .max
                fire(end)
            }
        }
        if end != .max { now = end }
    }

    // MARK: Executing a core's steps

    private var instant: ContinuousClock.Instant { start + .nanoseconds(now) }
    private var wallClock: UInt64 { 1_700_000_000_000 + UInt64(now / 1_000_000) }

    private func deliver(_ bytes: [UInt8], to end: End) {
        let side = self[end]
        if side.core.isEnding { return }
        side.input += bytes
        var position = 0
        do throws(ConnectionError) {
            while position < side.input.count, !side.core.isEnding {
                guard let step = try side.core.next(side.input.span, at: &position, now: instant) else { break }
                act(step, at: end)
            }
            side.input.removeFirst(position)
            side.core.received(now: instant)
        } catch {
            fail(error, end)
        }
        proceed(end)
        schedule(end)
    }

    private func closeInput(of end: End) {
        switch self[end].core.inputClosed() {
        case .proceed:
            if let (error, isViolation) = self[end].core.allRead() {
                if isViolation { fail(error, end) } else { _ = self[end].core.finish(error) }
            }
            proceed(end)
        case .fail(let error): fail(error, end)
        case .ignored: break
        }
    }

    private func act(_ step: ConnectionCore.Step, at end: End) {
        let side = self[end]
        switch step {
        case .send(let message): transmit(message, from: end, isSealed: false)
        case .confirm(let confirm): transmit(.handshakeConfirm(confirm), from: end, isSealed: false)
        case .answer(let opening):
            act(side.core.answer(opening, wallClock: wallClock, seen: { _ in false }, using: &random), at: end)
        case .opened(_, let mustAccept):
            side.isOpen = true
            if mustAccept { transmit(.pong, from: end, isSealed: nil) }
        case .refuse(let error): fail(.handshake(error), end)
        case .message(let message, _): side.received.append(message)
        case .ping:
            side.pings += 1
            transmit(.pong, from: end, isSealed: nil)
        case .disconnected: _ = side.core.finish(.closedByPeer)
        case .pong, .none: break
        case .read, .changeKey: preconditionFailure("nothing here takes long")
        }
    }

    private func transmit(_ message: Message, from end: End, isSealed: Bool?) {
        let side = self[end]
        if side.core.isClosed || side.isOutputClosed { return }
        var writer = PacketWriter()
        writer.append(message, length: message.bincodeLength, isSealed: isSealed ?? side.core.isSealed)
        var buffer = writer.take()
        let now = instant
        _ = side.core.withSealer { $0.seal(1, packetsOf: &buffer, now: now) }
        var bytes = Array(buffer: buffer)[...]
        if side.isSilent { return }
        if side.sent + bytes.count > side.arriving { bytes = bytes.prefix(max(0, side.arriving - side.sent)) }
        side.sent += buffer.readableBytes
        while !bytes.isEmpty {
            let piece = bytes.prefix(1 + Int(random.next(upperBound: UInt64(2 * bytes.count))))
            bytes = bytes.dropFirst(piece.count)
            let time = side.link.arrival(ofStream: piece.count, now: self.now, using: &random)
            queue.insert(.bytes(Array(piece), end.other), at: time)
        }
        if side.sent > side.arriving { cut(end) }
    }

    /// The connection is lost after what this side has sent: both systems report it.
    func cut(_ end: End) {
        for end in [end, end.other] {
            let time = self[end].link.arrival(ofStream: 0, now: now, using: &random)
            queue.insert(.closed(end.other), at: time)
        }
    }

    private func proceed(_ end: End) {
        let side = self[end]
        switch side.core.proceed(isIdle: true, lingering: .seconds(1), now: instant) {
        case .wait: break
        case .sendDisconnect:
            transmit(.disconnect, from: end, isSealed: nil)
            proceed(end)
        case .linger:
            side.isOutputClosed = true
            let time = side.link.arrival(ofStream: 0, now: now, using: &random)
            queue.insert(.closed(end.other), at: time)
            schedule(end)
        case .close: ended(side.core.close(.closed), end)
        }
    }

    private func fail(_ error: ConnectionError, _ end: End) { ended(self[end].core.fail(error), end) }

    private func ended(_ error: ConnectionError?, _ end: End) {
        guard let error else { return }
        self[end].ends.append(error)
        self[end].endedAt = now
        if self[end].isSilent { return }
        let time = self[end].link.arrival(ofStream: 0, now: now, using: &random)
        queue.insert(.closed(end.other), at: time)
    }

    private func fire(_ end: End) {
        switch self[end].core.timeout(now: instant, unsentBytes: 0, writtenBytes: self[end].sent, isListening: true) {
        case .none: break
        case .ping: transmit(.ping, from: end, isSealed: nil)
        case .fail(let error): fail(error, end)
        case .close: ended(self[end].core.close(.closed), end)
        }
        schedule(end)
    }

    private func schedule(_ end: End) {
        guard let deadline = self[end].core.nextDeadline else { return self[end].timer = .max }
        let time = max(now, Int64((deadline - start) / .nanoseconds(1)))
        guard time < self[end].timer else { return }
        self[end].timer = time
        queue.insert(.timer(end), at: time)
    }
}
