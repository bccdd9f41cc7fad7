internal import Glibc
package import LinkMeasurement
package import PacketIO
internal import Synchronization
package import SystemErrors

/// What arrived at a relay and was not forwarded.
package struct RelayCounters: Equatable, Sendable {
    /// From another address than the permit's.
    package var strangers: UInt64 = 0
    /// From its address or from the service, but beyond the grant: another port, or a direction that carries no data.
    package var refused: UInt64 = 0

    package init(strangers: UInt64 = 0, refused: UInt64 = 0) {
        self.strangers = strangers
        self.refused = refused
    }
}

/// A relay on a public UDP port in front of a service that listens on loopback and trusts every sender. Only datagrams
/// from one address pass, each source port through a loopback socket of its own, and replies go to that source only. An
/// address that has not sent gets nothing, so the relay cannot be turned against a third party.
///
/// Two threads, one per direction, sleep in the kernel when nothing arrives.
package final class DatagramRelay: Sendable {
    /// Called with bytes that are about to be forwarded; false ends the relay, and they are not forwarded.
    package typealias Count = @Sendable (_ bytes: Int, _ direction: StreamPreface.Direction) -> Bool
    /// Called with bytes, headers included, that came from the permit's address and were refused; false ends the relay.
    package typealias Refuse = @Sendable (_ bytes: Int) -> Bool

    private let core: DatagramRelayCore
    private let threads: Mutex<[WorkThread<Void>]>
    package let address: InternetAddress

    /// - Parameters:
    ///   - socket: bound to one address; from `Socket.bindUDP`.
    ///   - service: where the datagrams go.
    ///   - count: called on the relay's threads for each batch; while it blocks, that direction stops.
    ///   - refuse: the same for the peer's refused datagrams: they used the line all the same.
    package init(
        _ socket: consuming SocketDescriptor,
        to service: InternetAddress,
        permit: RelayPermit,
        count: @escaping Count,
        refuse: @escaping Refuse
    ) throws(SystemError) {
        address = try socket.localAddress()
        socket.askBuffers(receive: DatagramRelayCore.bufferBytes)
        let core = try DatagramRelayCore(socket, service, permit, count, refuse)
        self.core = core
        let up = try WorkThread("relay-up") { core.runUp() }
        do {
            threads = Mutex([up, try WorkThread("relay-down") { core.runDown() }])
        } catch {
            core.stop()
            up.join()
            throw error
        }
    }

    deinit {
        self.shutdown()
    }

    package var counters: RelayCounters { core.counters.withLock { $0 } }

    /// Ends both threads and waits for them; the port closes with the relay. A second call does nothing. Must not be
    /// called from `count`.
    package func shutdown() {
        self.threads.withLock { threads in
            guard !threads.isEmpty else { return }
            core.stop()
            for thread in threads { thread.join() }
            threads = []
            core.close()
        }
    }
}
