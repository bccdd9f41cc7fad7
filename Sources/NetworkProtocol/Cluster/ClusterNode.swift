internal import Logging
internal import NIOCore
internal import NIOPosix

/// A ``SwimCore`` on an event loop with a UDP socket, timers, keys and clocks. Everything happens on that event loop.
final class ClusterNode {
    /// What is worth a log line, but not for each datagram.
    private enum Topic: Hashable {
        case refused(reason: String)
        case conflict
        case silence
    }

    /// Changes of one kind that get a line at once.
    static let changeLines = 256

    let eventLoop: any EventLoop
    private let keys: ClusterKeys
    private let hub: MembershipHub
    private let metrics: ClusterMetrics
    private let logger: Logger
    private let socket: ClusterSocket
    private var core: SwimCore
    private var replays = SwimReplayWindow()
    private var timer: Scheduled<Void>?
    private var random = SystemRandomNumberGenerator()
    private var limit = LogLimit<Topic>()
    /// A holder of the key may claim anything about any member, any number of times. Enough for a cluster that starts;
    /// then one line of a kind every 20 s.
    private var changes = LogLimit<MembershipEvent.Change>(burst: ClusterNode.changeLines, interval: 20_000_000_000)
    /// At `debug`, by reason.
    private let refusals: PeerLog<String>
    private var leaving: EventLoopPromise<Void>?
    private var isStopped = false

    init(
        core: SwimCore,
        keys: ClusterKeys,
        socket: ClusterSocket,
        hub: MembershipHub,
        metrics: ClusterMetrics,
        logger: Logger
    ) {
        self.core = core
        self.keys = keys
        self.socket = socket
        self.hub = hub
        self.metrics = metrics
        self.logger = logger
        refusals = PeerLog(logger, LogLimit(burst: 64, interval: 1_000_000_000))
        eventLoop = socket.eventLoop
    }

    /// Nanoseconds of a monotonic clock.
    static var now: Int64 { Int64(clamping: NIODeadline.now().uptimeNanoseconds) }

    func start() {
        socket.onDatagram = { [weak self] bytes, source in self?.receive(bytes, from: source) }
        metrics.has(members: core.liveCount)
        schedule()
    }

    func use(seeds: [MemberAddress]) {
        core.use(seeds: seeds, now: Self.now)
        schedule()
    }

    var hasJoined: Bool { core.hasJoined }
    var own: ClusterMember { core.own }

    /// Announces that this member leaves; done when it was announced often enough.
    func leave() -> EventLoopFuture<Void> {
        if let leaving { return leaving.futureResult }
        let promise = eventLoop.makePromise(of: Void.self)
        leaving = promise
        if isStopped { promise.succeed() } else { perform(core.leave(now: Self.now)) }
        return promise.futureResult
    }

    func stop() {
        if !isStopped { metrics.has(members: 0) }
        isStopped = true
        timer?.cancel()
        timer = nil
        leaving?.succeed()
        socket.close()
    }

    private func receive(_ datagram: [UInt8], from source: MemberAddress) {
        guard !isStopped, let keyring = keys.keyring else { return }
        do throws(SwimDatagramError) {
            let (message, sentAt) = try keyring.open(datagram)
            try replays.admit(datagram, sentAt: sentAt, now: Int64(clamping: WallClock.milliseconds))
            metrics.accepted(bytes: datagram.count)
            handle(message, from: source)
        } catch {
            metrics.refused(error.reason)
            switch error {
            // Keeps a member out until someone reads about it.
            case .unknownVersion, .unknownKey, .notAuthentic, .outOfTime: note(error.reason, "\(error)", source)
            // Other programs, and normal network effects.
            case .foreign, .replayed: break
            }
            refusals.write(
                .debug,
                "datagram refused",
                topic: error.reason,
                ["peer": "\(source)", "reason": "\(error)"]
            )
        }
    }

    private func handle(_ message: [UInt8], from source: MemberAddress) {
        do throws(SwimMessageError) {
            perform(try core.receive(message, from: source, now: Self.now))
        } catch {
            metrics.refused(ClusterMetrics.noMessage)
            note(ClusterMetrics.noMessage, "\(error)", source)
        }
    }

    private func note(_ reason: String, _ description: @autoclosure () -> String, _ source: MemberAddress) {
        guard let count = limit.admit(.refused(reason: reason), now: Self.now) else { return }
        logger.info(
            "datagrams refused",
            metadata: ["peer": "\(source)", "reason": "\(description())", "count": "\(count)"]
        )
    }

    /// A member that refuses this member's datagrams does not say so.
    private func noteSilence() {
        guard core.findsNoMember, limit.admit(.silence, now: Self.now) != nil else { return }
        logger.info(
            "no seed answers",
            metadata: [
                "seeds": "\(core.seeds.map { "\($0)" }.joined(separator: ", "))",
                "remedy": "\(Self.silenceRemedy)",
            ]
        )
    }

    private static let silenceRemedy =
        "a member must run there, reachable over UDP, of the same cluster name, key and protocol version, with another identity "
        + "and a clock within 30 s of this one; if it refuses datagrams, its log says why"

    private func noteConflict(_ address: MemberAddress) {
        guard limit.admit(.conflict, now: Self.now) != nil else { return }
        logger.info(
            "another member has this identity",
            metadata: [
                "member.id": "\(core.own.endpointID)", "member.address": "\(address)",
                "remedy": "give each member an identity of its own",
            ]
        )
    }

    private func perform(_ actions: [SwimAction]) {
        for action in actions {
            switch action {
            case .send(let message, let address): send(message, to: address)
            case .event(let event): report(event)
            case .conflict(let address): noteConflict(address)
            case .finished: leaving?.succeed()
            }
        }
        schedule()
    }

    private func send(_ message: [UInt8], to address: MemberAddress) {
        guard let keyring = keys.keyring else { return }
        let nonce = (0..<SwimDatagram.nonceLength).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        let datagram = keyring.seal(message, sentAt: Int64(clamping: WallClock.milliseconds), nonce: nonce)
        if socket.send(datagram, to: address) { metrics.sent(bytes: datagram.count) } else { metrics.failedToSend() }
    }

    private func report(_ event: MembershipEvent) {
        metrics.changed(event.change, members: core.liveCount)
        hub.report(event)
        let level = Self.level(of: event.change)
        guard logger.logLevel <= level, let count = changes.admit(event.change, now: Self.now) else { return }
        var metadata: Logger.Metadata = [
            "change": "\(event.change)", "member.id": "\(event.member.endpointID)",
            "member.address": "\(event.member.address)",
        ]
        if count > 1 { metadata["count"] = "\(count)" }
        logger.log(level: level, "member changed", metadata: metadata)
    }

    /// Reports how many changes got no line, once a line is allowed again.
    private func noteUnloggedChanges() {
        for (change, count) in changes.takeOverdue(now: Self.now) {
            let metadata: Logger.Metadata = ["change": "\(change)", "count": "\(count)"]
            logger.log(level: Self.level(of: change), "members changed, without a line each", metadata: metadata)
        }
    }

    private static func level(of change: MembershipEvent.Change) -> Logger.Level {
        switch change {
        case .suspected, .recovered: .debug
        case .joined, .failed, .left, .updated: .info
        }
    }

    private func schedule() {
        timer?.cancel()
        timer = nil
        guard !isStopped, core.deadline != .max else { return }
        let deadline = NIODeadline.uptimeNanoseconds(UInt64(max(0, core.deadline)))
        timer = eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { [weak self] in
            guard let self, !self.isStopped else { return }
            self.perform(self.core.handleTimeout(now: Self.now))
            self.noteSilence()
            self.noteUnloggedChanges()
        }
    }
}
