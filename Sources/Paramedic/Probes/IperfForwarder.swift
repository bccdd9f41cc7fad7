internal import LinkMeasurement
internal import NIOCore
internal import NIOPosix
internal import PacketIO
internal import Synchronization

/// A port on loopback that forwards connections through tunnels to the reflector's iperf3: those of this user's
/// processes, as many as one test needs.
final class IperfForwarder: Sendable {
    let port: Int
    private let listener: any Channel
    private let failed: FirstFailure
    private let joining: Task<Void, Never>

    private init(listener: any Channel, port: Int, failed: FirstFailure, joining: Task<Void, Never>) {
        self.listener = listener
        self.port = port
        self.failed = failed
        self.joining = joining
    }

    /// Why the first tunnel failed; nil if none did.
    var failure: (any Error)? { failed.error }

    static func start(_ test: IperfClient) async throws -> IperfForwarder {
        let failed = FirstFailure()
        // One after the other: iperf3 distinguishes senders and receivers by the order in which they connect.
        let (accepted, continuation) = AsyncStream.makeStream(of: (any Channel).self)
        let joining = Task {
            for await local in accepted {
                do {
                    try await join(local, test)
                } catch {
                    failed.note(error)
                    local.close(promise: nil)
                }
            }
        }
        let permits = Permits(test.connections)
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { local in
                local.eventLoop.makeCompletedFuture {
                    // Every user of this machine can connect to loopback.
                    guard let ends = RemoteEnd(local),
                        ConnectionOwner.isThisUser(remote: ends.address, local: ends.local), permits.take()
                    else { throw ChannelError.alreadyClosed }
                    try TunnelBuffers.tune(local)
                    continuation.yield(local)
                }
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
        return IperfForwarder(
            listener: listener,
            port: listener.localAddress?.port ?? 0,
            failed: failed,
            joining: joining
        )
    }

    func stop() async {
        try? await listener.close()
        joining.cancel()
    }

    private static func join(_ local: any Channel, _ test: IperfClient) async throws {
        let tunnel = try await LinkClient.connect(
            to: test.address,
            context: test.context,
            forBulk: true,
            on: local.eventLoop
        )
        let meters = test.meters
        let open = TunnelOpen(testID: test.grant.testID, token: test.grant.token)
        try await tunnel.open(open) { channel in
            try SpliceHandler.join(
                local,
                channel,
                forward: TunnelMeter(counting: meters.up),
                backward: TunnelMeter(counting: meters.down)
            )
        }
    }
}

private final class FirstFailure: Sendable {
    private let state = Mutex<(any Error)?>(nil)

    var error: (any Error)? { state.withLock { $0 } }

    func note(_ error: any Error) {
        state.withLock { $0 = $0 ?? error }
    }
}
