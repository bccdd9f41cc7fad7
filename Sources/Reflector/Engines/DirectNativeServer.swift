internal import LinkMeasurement
internal import PacketIO
internal import Synchronization

/// The reflector's end of a native test over a port of its own, which accepts only the test's streams from the peer's
/// address.
final class DirectNativeServer: Sendable {
    /// Seconds beyond the test's length for bytes in transit.
    private static let slack: Int64 = 3

    let port: Int
    private let acceptor: StreamAcceptor
    private let streams: DirectStreams
    private let retransmitted = Mutex<[StreamDirection: Int]>([:])

    private init(acceptor: StreamAcceptor, streams: DirectStreams) {
        self.acceptor = acceptor
        self.streams = streams
        self.port = Int(acceptor.address.port)
    }

    static func start(
        for session: LiveSession,
        address: String,
        ports: ClosedRange<Int>
    ) throws -> DirectNativeServer {
        let target = try DirectAddress(for: session, address: address, ports: ports)
        let bidirectional = session.params.bidirectional == true
        let directions: Set<StreamPreface.Direction> =
            bidirectional ? [.up, .down] : [session.params.reverse == true ? .down : .up]
        let permit = StreamPermit(
            token: session.token,
            peer: target.peer,
            directions: directions,
            streams: session.streams
        )
        let seconds = Int64(session.params.durationSec)
        let rate = session.params.bytesPerSecond(ofEachOf: session.streams).map(UInt64.init)
        let streams = DirectStreams(up: session.up, down: session.down)
        let acceptor = try StreamAcceptor(
            Socket.firstFreeTCP(on: target.local, ports: target.ports),
            permit: permit
        ) { socket, preface, slot in
            session.streamBegins()
            let now = KernelClock.monotonic
            let thread: WorkThread<ByteTotals>?
            // A stream that cannot start closes its connection, which its client sees.
            switch preface.direction {
            case .up:
                let limits = ByteStreamLimits(
                    deadline: now + (seconds + slack) * 1_000_000_000,
                    window: seconds * 1_000_000_000,
                    account: session
                )
                thread = try? streams.sink(socket, .up, limits)
            case .down:
                let limits = ByteStreamLimits(deadline: now + seconds * 1_000_000_000, account: session)
                thread = try? streams.source(socket, .down, limits, maximumBytesPerSecond: rate)
            }
            Task {
                // A broken stream may come again; one that has moved its grant may not.
                switch await thread?.value.end {
                case nil, .endOfStream, .failed: slot.release()
                case .deadline, .byteBudget, .stopped: break
                }
            }
        }
        return DirectNativeServer(acceptor: acceptor, streams: streams)
    }

    /// Retransmitted TCP segments, by direction.
    var retransmits: [StreamDirection: Int] { retransmitted.withLock { $0 } }

    /// Processor seconds of the busiest stream's thread.
    var busiestThread: Double? { streams.busiestThread }

    /// Waits until every opened stream has ended.
    func finish() async {
        let again = await streams.finish()
        retransmitted.withLock { $0 = again }
    }

    /// Like ``finish()``, for at most `patience`; streams that still move continue.
    func finish(within patience: Duration) async {
        await Waiters.wait(atMost: patience) { waiter in
            // Ends with the test's streams, at the latest some seconds after the test's time.
            Task {
                await finish()
                waiter.finish()
            }
        }
    }

    /// Closes the port, then every stream, and waits for them.
    func stop() async {
        acceptor.shutdown()
        streams.stop()
        await finish()
    }
}
