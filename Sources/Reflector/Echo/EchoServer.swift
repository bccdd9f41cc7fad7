internal import Glibc
package import LinkMeasurement
package import PacketIO
internal import Synchronization
package import SystemErrors

/// Answers UDP echo datagrams on one socket from a thread of its own, which sleeps in the kernel when none arrive.
///
/// Nothing is answered until a permit is admitted. Bind it to the local address of the control connection rather than a
/// wildcard if that is known: with a wildcard, each reply must also carry its source address.
package final class EchoServer: Sendable {
    /// What the queue may hold while the thread is not scheduled; the kernel allows up to `net.core.rmem_max`.
    static let bufferBytes: Int32 = 4 << 20

    private struct Owned: ~Copyable {
        var socket: SocketDescriptor?
        var thread: WorkThread<SystemError?>?
    }

    private let core: EchoServerCore
    private let owned: Mutex<Owned>
    /// Where it listens; the port is the real one, also if 0 was requested.
    package let address: InternetAddress
    package var port: UInt16 { address.port }

    /// Binds; nothing is received before `start`. IPv6 `::` accepts IPv4 too.
    package convenience init(binding address: InternetAddress) throws(SystemError) {
        try self.init(socket: Socket.bindUDP(address))
    }

    /// Takes a bound UDP socket, such as one from `Socket.firstFreeUDP`.
    package init(socket: consuming SocketDescriptor) throws(SystemError) {
        let address = try socket.localAddress()
        socket.askBuffers(receive: Self.bufferBytes, send: Self.bufferBytes)
        try socket.stampArrivals(isIPv6: !address.host.isIPv4, isWildcard: address.host.isAny)
        self.address = address
        core = EchoServerCore(descriptor: socket.raw)
        owned = Mutex(Owned(socket: socket, thread: nil))
    }

    deinit {
        self.shutdown()
    }

    /// Starts the thread; a second call does nothing.
    package func start() throws(SystemError) {
        let core = self.core
        try self.owned.withLock { (owned) throws(SystemError) in
            guard owned.socket != nil, owned.thread == nil else { return }
            owned.thread = try WorkThread("udp-echo") { core.run() }
        }
    }

    /// Admits a client.
    package func admit(_ permit: EchoPermit) throws(EchoResponder.AdmitError) {
        try core.responder.withLock { (responder) throws(EchoResponder.AdmitError) in try responder.admit(permit) }
    }

    /// Removes a client; returns its last counters, or nil if it was not admitted.
    @discardableResult
    package func revoke(_ token: AccessToken) -> EchoCounters? {
        core.responder.withLock { $0.revoke(token) }
    }

    /// The counters so far, or nil if there is no such permit.
    package func counters(_ token: AccessToken) -> EchoCounters? {
        core.responder.withLock { $0.counters(token) }
    }

    /// Datagrams that belonged to no permit.
    package var strangers: EchoStrangers {
        core.responder.withLock { $0.strangers }
    }

    /// Datagrams that the kernel dropped because the thread was too slow; this machine's loss, not the link's.
    package var kernelDrops: UInt64 {
        self.owned.withLock { owned in
            owned.socket?.kernelDrops ?? core.finalDrops.load(ordering: .relaxed)
        }
    }

    /// Ends the thread, waits for it, and closes the socket. Returns the error that ended the thread before, if one
    /// did. A second call does nothing.
    @discardableResult
    package func shutdown() -> SystemError? {
        self.owned.withLock { owned in
            guard let socket = owned.socket.take() else { return nil }
            core.isStopping.store(true, ordering: .releasing)
            // An unconnected socket returns ENOTCONN, and its sleeping reader wakes all the same.
            socket.shutDown()
            let failure = owned.thread?.join()
            owned.thread = nil
            core.finalDrops.store(socket.kernelDrops, ordering: .relaxed)
            return failure ?? nil
        }
    }
}
