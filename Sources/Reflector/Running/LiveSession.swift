internal import Identity
internal import LinkMeasurement
internal import NIOCore
internal import PacketIO
internal import Synchronization

/// A running test: what it may do, what it has done, and what must stop when it ends.
final class LiveSession: Sendable {
    let testID: String
    let peer: EndpointID
    /// Address of the control connection, without port.
    let peerAddress: String
    /// The control connection that owns the test.
    let owner: ConnectionID
    let type: TestType
    let params: SessionParameters
    let mode: DataMode
    /// 16 bytes; the grant carries them in hex.
    let token: AccessToken
    /// The latency probe's own token, if there is one.
    let echoToken: AccessToken?
    let startedAt: ContinuousClock.Instant
    let up: FlowMeter
    let down: FlowMeter
    let allowance: ByteAllowance

    fileprivate struct Tunnel {
        let channel: any Channel
        let direction: StreamDirection
    }

    fileprivate struct State {
        var tunnels: [ObjectIdentifier: Tunnel] = [:]
        var opened = 0
        var openedUp = 0
        var ended = false
        var isSpent = false
        var drainWaiters = Waiters()
        var echo: EchoReport?
        var echoBytes = (up: 0, down: 0)
        var refusedBytes = 0
        /// One for all echo tunnels of the test; created by the first datagram.
        var echoRate: PacketRate?
        /// From the first stream on, and the result when the test's time is over.
        var processorAtStart: ProcessorMark?
        var processorUse: ProcessorUse?
    }

    /// Bytes that an iperf3 test may move against its granted direction: the results of a long test.
    static let againstDirection = 16 << 20
    /// Nanoseconds between two checks of a thread that waits for the accounts.
    private static let accountsPause: Int64 = 1_000_000
    /// How long the result waits for the tunnel of the latency probe, which its client has closed before it asks.
    private static let echoPatience = Duration.milliseconds(500)

    private let state: Mutex<State>
    private let onRefill: @Sendable (LiveSession) -> Void
    private let onSpent: @Sendable (LiveSession) -> Void

    init(
        admission: Admission,
        peer: EndpointID,
        peerAddress: String,
        owner: ConnectionID,
        type: TestType,
        mode: DataMode,
        onRefill: @escaping @Sendable (LiveSession) -> Void,
        onSpent: @escaping @Sendable (LiveSession) -> Void
    ) {
        self.testID = admission.testID
        self.params = admission.params
        self.peer = peer
        self.peerAddress = peerAddress
        self.owner = owner
        self.type = type
        self.mode = mode
        self.token = AccessToken.random()
        self.echoToken = admission.params.latencyProbe == true && type == .throughput ? AccessToken.random() : nil
        self.startedAt = .now
        self.up = FlowMeter(seconds: admission.params.durationSec)
        self.down = FlowMeter(seconds: admission.params.durationSec)
        self.allowance = ByteAllowance(
            charged: admission.charged,
            tunnels: Self.maximumTunnels(admission.params),
            installment: admission.installment
        )
        self.state = Mutex(State())
        self.onRefill = onRefill
        self.onSpent = onSpent
    }

    /// Counts bytes of the tunnel.
    func record(_ count: Int, _ direction: StreamDirection, at now: UInt64 = NIODeadline.now().uptimeNanoseconds)
        -> TunnelMeter.Verdict
    {
        let total =
            switch direction {
            case .up: up.record(count, at: now)
            case .down: down.record(count, at: now)
            }
        let verdict = spend(count)
        return params.engine == .iperf3 && total > mostBytes(direction) ? .stop : verdict
    }

    /// iperf3's client itself tells its server the direction, and its control data goes both ways.
    private func mostBytes(_ direction: StreamDirection) -> Int {
        let isGranted = params.bidirectional == true || (params.reverse == true) == (direction == .down)
        return isGranted ? .max : Self.againstDirection
    }

    /// Takes bytes from the budget without metering them: the latency probe's.
    func spend(_ count: Int) -> TunnelMeter.Verdict {
        let (verdict, refill) = allowance.spend(count)
        if refill { onRefill(self) }
        if verdict == .stop { budgetSpent() }
        return verdict
    }

    /// Counts bytes that came from the peer's address to a port of the test and were refused there. They used the line
    /// like others, so a peer that sends them endlessly must also reach the end of its bytes.
    func recordRefused(_ count: Int) -> TunnelMeter.Verdict {
        state.withLock { $0.refusedBytes += count }
        return spend(count)
    }

    /// Blocks a dedicated thread until the accounts have caught up; false if the test has ended.
    func waitForAccounts() -> Bool {
        while !allowance.isFilled, !hasEnded { KernelClock.sleep(Self.accountsPause) }
        return !hasEnded
    }

    /// The budget is spent: the test ends.
    func budgetSpent() {
        let isFirst = state.withLock { state in
            defer { state.isSpent = true }
            return !state.isSpent
        }
        if isFirst { onSpent(self) }
    }

    /// Whether the test is ending because its budget is spent.
    var isSpent: Bool { state.withLock { $0.isSpent } }

    /// Streams in each direction that a native test may open.
    var streams: Int { params.streams ?? 1 }

    /// Most connections a test may open: its streams in both directions, iperf3's control connection, the probe.
    private var maximumTunnels: Int { Self.maximumTunnels(params) }

    private static func maximumTunnels(_ params: SessionParameters) -> Int { (params.streams ?? 1) * 2 + 2 }

    /// Takes a slot for one more tunnel connection; nil if the test is over or has all it needs.
    func openTunnel(_ channel: any Channel, wish: StreamDirection?) -> StreamDirection? {
        let granted = state.withLock { state -> StreamDirection? in
            guard !state.ended, state.opened < maximumTunnels else { return nil }
            state.opened += 1
            if state.processorAtStart == nil { state.processorAtStart = .now() }
            let direction: StreamDirection
            if let wish, params.bidirectional == true || type == .udpEcho || params.engine == .iperf3 {
                direction = wish
            } else if params.bidirectional == true {
                direction = state.openedUp < streams ? .up : .down
            } else {
                direction = params.reverse == true ? .down : .up
            }
            if direction == .up { state.openedUp += 1 }
            state.tunnels[ObjectIdentifier(channel)] = Tunnel(channel: channel, direction: direction)
            return direction
        }
        // Whatever happens to the connection, even if it never carries a byte of the test.
        if granted != nil { channel.closeFuture.whenComplete { _ in self.closedTunnel(channel) } }
        return granted
    }

    private func closedTunnel(_ channel: any Channel) {
        state.withLock { state in
            state.tunnels[ObjectIdentifier(channel)] = nil
            if state.tunnels.isEmpty { state.drainWaiters.release() }
        }
    }

    /// Returns when no tunnel of the test is open, or after `patience`.
    func drained(within patience: Duration) async {
        var place: UInt64?
        await Waiters.wait(atMost: patience) { waiter in
            place = state.withLock { state in
                if state.tunnels.isEmpty {
                    waiter.finish()
                    return nil
                }
                return state.drainWaiters.add(waiter)
            }
        }
        state.withLock { $0.drainWaiters.remove(place) }
    }

    /// The first stream that does not come through a tunnel: processor use is measured from here on.
    func streamBegins() {
        state.withLock { if $0.processorAtStart == nil { $0.processorAtStart = .now() } }
    }

    /// The processor use of this process while the test's streams moved; nil without any.
    func processorUse(busiestThread: Double?, at now: UInt64) -> ProcessorUse? {
        let isOver = [up, down].allSatisfy { !$0.wasOpened || $0.left(at: now) == 0 }
        return state.withLock { state in
            if let known = state.processorUse { return known }
            let use = state.processorAtStart.map { ProcessorMark.now().use(since: $0, ended: busiestThread) }
            if isOver || state.ended { state.processorUse = use }
            return use
        }
    }

    /// Waits for the last bytes of a native test: until no tunnel is open, or the measurement is over. Sent bytes are
    /// known; received bytes count for the requested time, and later ones are not awaited.
    func measured(within patience: Duration) async {
        guard params.engine == .native else { return await drained(within: patience) }
        let now = NIODeadline.now().uptimeNanoseconds
        let receives = params.bidirectional == true || params.reverse != true
        let left = receives ? up.left(at: now).map { Duration.nanoseconds(Int64(clamping: $0)) } ?? patience : .zero
        let echo: Duration = echoToken == nil ? .zero : Self.echoPatience
        await drained(within: min(patience, max(left, echo)))
    }

    // MARK: The latency probe

    /// What the test's UDP echo counted.
    var echoReport: EchoReport? { state.withLock { $0.echo } }

    /// Bytes that a port of the test refused, headers included.
    var refusedBytes: Int { state.withLock { $0.refusedBytes } }
    /// Bytes of the echo: datagrams that came, and replies.
    var echoBytes: (up: Int, down: Int) { state.withLock { $0.echoBytes } }

    /// Takes one datagram from the rate that all echo tunnels of the test share.
    func takeEchoDatagram(packetsPerSecond: Int, now: Int64) -> Bool {
        state.withLock { state in
            var rate = state.echoRate ?? PacketRate(packetsPerSecond: packetsPerSecond)
            defer { state.echoRate = rate }
            return rate.admit(at: now)
        }
    }

    func echoEnded(_ counters: EchoCounters) {
        state.withLock { state in
            // A test may have had more than one echo tunnel, one after the other: all of them count.
            state.echo = EchoReport(counters).adding(state.echo)
            state.echoBytes.up += Int(clamping: counters.bytesIn) + Int(clamping: counters.bytesRefused)
            state.echoBytes.down += Int(clamping: counters.bytesOut)
        }
    }

    var hasEnded: Bool { state.withLock { $0.ended } }

    /// True for the one caller that ends the session; its tunnels are closed.
    func end(_ reason: EndReason) -> Bool {
        let tunnels: [Tunnel]? = state.withLock { state in
            guard !state.ended else { return nil }
            state.ended = true
            return Array(state.tunnels.values)
        }
        allowance.close()
        for tunnel in tunnels ?? [] {
            // What the peer sends from here on is dropped. What was sent to it, and iperf3's last messages, still
            // arrive.
            let isSending = params.engine == .native && tunnel.direction == .down
            if isSending || reason == .processExited {
                tunnel.channel.close(mode: .all, promise: nil)
            } else {
                AbruptClose.close(tunnel.channel)
            }
        }
        return tunnels != nil
    }
}

/// Streams on threads of their own take what they are about to move from the test's allowance.
extension LiveSession: ByteAccount {
    func take(_ wished: Int, moved: Int) -> Int? {
        let (bytes, refill) = allowance.take(wished, moved: moved)
        if refill { onRefill(self) }
        if bytes == 0 { budgetSpent() }
        return bytes
    }

    func giveBack(_ unused: Int, moved: Int) { allowance.giveBack(unused, moved: moved) }
}

extension EchoReport {
    fileprivate func adding(_ earlier: EchoReport?) -> EchoReport {
        guard let earlier else { return self }
        return EchoReport(
            received: received + earlier.received,
            replied: replied + earlier.replied,
            duplicates: duplicates + earlier.duplicates,
            reordered: reordered + earlier.reordered,
            highestSequence: max(highestSequence ?? 0, earlier.highestSequence ?? 0),
            rateLimited: rateLimited + earlier.rateLimited
        )
    }

    init(_ counters: EchoCounters) {
        self.init(
            received: Int(clamping: counters.distinctSequences),
            replied: Int(clamping: counters.repliesSent),
            duplicates: Int(clamping: counters.duplicates),
            reordered: Int(clamping: counters.reordered),
            highestSequence: counters.highestSequence,
            rateLimited: Int(clamping: counters.overRate &+ counters.overBudget)
        )
    }
}
