import Glibc
import Synchronization
package import SystemErrors

/// What came to a relay that it did not forward.
package struct RelayCounters: Equatable, Sendable {
    /// From another address than the permit's.
    package var strangers: UInt64 = 0
    /// From its address or from the service, but beyond what is granted: another port, a direction that carries no data.
    package var refused: UInt64 = 0

    package init(strangers: UInt64 = 0, refused: UInt64 = 0) {
        self.strangers = strangers
        self.refused = refused
    }
}

/// Stands on a public UDP port before a service that listens on loopback and believes everybody. Only datagrams of one
/// address pass, each source port through a loopback socket of its own, and replies go to that source alone: nobody who
/// has not sent is ever sent to, and nothing can be turned against a third party.
///
/// Two threads, one a direction, sleep in the kernel when nothing comes.
package final class DatagramRelay: Sendable {
    /// Decides over bytes that are about to be forwarded; false ends the relay, and they stay behind.
    package typealias Count = @Sendable (_ bytes: Int, _ direction: StreamPreface.Direction) -> Bool
    /// Decides over bytes, headers included, that came from the permit's address and were refused; false ends the relay.
    package typealias Refuse = @Sendable (_ bytes: Int) -> Bool

    private let core: DatagramRelayCore
    private let threads: Mutex<[WorkThread<Void>]>
    package let address: InternetAddress

    /// - Parameters:
    ///   - socket: bound to one address; from `Socket.bindUDP`.
    ///   - service: where the datagrams go.
    ///   - count: called on the relay's threads for each batch; while it blocks, that direction stands still.
    ///   - refuse: the same for what is refused of the peer: whether or not it is forwarded, it took the line.
    package init(
        _ socket: consuming SocketDescriptor,
        to service: InternetAddress,
        permit: RelayPermit,
        count: @escaping Count,
        refuse: @escaping Refuse
    ) throws(SystemError) {
        self.address = try socket.localAddress()
        socket.askBuffers(receive: DatagramRelayCore.bufferBytes)
        let core = try DatagramRelayCore(socket, service, permit, count, refuse)
        self.core = core
        let up = try WorkThread("relay-up") { core.runUp() }
        do {
            self.threads = Mutex([up, try WorkThread("relay-down") { core.runDown() }])
        } catch {
            core.stop()
            up.join()
            throw error
        }
    }

    deinit {
        self.shutdown()
    }

    package var counters: RelayCounters { self.core.counters.withLock { $0 } }

    /// Ends both threads and waits for them; the port closes with the relay. A second call does nothing. Not to be
    /// called from `count`.
    package func shutdown() {
        self.threads.withLock { threads in
            guard !threads.isEmpty else { return }
            self.core.stop()
            for thread in threads { thread.join() }
            threads = []
            self.core.close()
        }
    }
}
