internal import Glibc
package import LinkMeasurement
package import PacketIO
internal import Synchronization
package import SystemErrors

/// Who may open streams on a direct port, and which.
package struct StreamPermit: Sendable {
    package var token: AccessToken
    package var peer: InternetHost
    package var directions: Set<StreamPreface.Direction>
    /// Streams in each direction: indices below this.
    package var streams: Int

    package init(token: AccessToken, peer: InternetHost, directions: Set<StreamPreface.Direction>, streams: Int) {
        self.token = token
        self.peer = peer
        self.directions = directions
        self.streams = streams
    }
}

/// The slot of one stream on a direct port. It stays taken until it is released.
package final class StreamSlot: Sendable {
    private let opened: OpenedStreams
    private let key: UInt16

    init(_ opened: OpenedStreams, _ key: UInt16) {
        self.opened = opened
        self.key = key
    }

    /// Lets the stream be reopened, a few times. From any thread.
    package func release() { opened.release(key) }
}

/// What arrived at a direct port.
package struct StreamAcceptorCounters: Equatable, Sendable {
    package var admitted = 0
    /// From another address than the permit's.
    package var wrongAddress = 0
    /// From its address, with a preface that is malformed, has another token, or names a stream that is not granted or
    /// already open.
    package var refused = 0
    /// Closed without a whole preface: by themselves, after two seconds, or to make room.
    package var incomplete = 0

    package init() {}
}

/// Accepts the connections of one session on one direct port. Strangers are closed at once, and a connection from the
/// right address must present the session's token within two seconds.
///
/// Its thread sleeps in the kernel, with a timeout only while a preface is incomplete.
package final class StreamAcceptor: Sendable {
    /// Time for a whole preface, in nanoseconds.
    package static let prefaceTime: Int64 = 2_000_000_000
    /// Connections with an incomplete preface; one more closes the oldest of them, which has had the most time.
    package static let maximumPending = 32

    private let core: StreamAcceptorCore
    private let thread: Mutex<WorkThread<SystemError?>?>
    package let address: InternetAddress

    /// - Parameters:
    ///   - listener: from `Socket.listenTCP` or `Socket.firstFreeTCP`.
    ///   - prefaceTime: nanoseconds for a whole preface.
    ///   - onStream: takes over each admitted connection, blocking and positioned after its preface, and its slot.
    ///     Called on the acceptor's thread; must not block.
    package init(
        _ listener: consuming SocketDescriptor,
        permit: StreamPermit,
        prefaceTime: Int64 = StreamAcceptor.prefaceTime,
        onStream: @escaping @Sendable (consuming SocketDescriptor, StreamPreface, StreamSlot) -> Void
    ) throws(SystemError) {
        address = try listener.localAddress()
        try listener.setBlocking(false, for: address)
        let core = StreamAcceptorCore(listener, permit, prefaceTime, try WakeUp(), onStream)
        self.core = core
        thread = Mutex(try WorkThread("acceptor") { core.run() })
    }

    deinit {
        self.shutdown()
    }

    package var counters: StreamAcceptorCounters { core.counters.withLock { $0 } }

    /// Closes the port and its pending connections, and waits for the thread; admitted streams live on. Returns the
    /// error that ended the thread before, if one did. A second call does nothing. Must not be called from `onStream`.
    @discardableResult
    package func shutdown() -> SystemError? {
        self.thread.withLock { thread in
            core.wakeUp.signal()
            defer { thread = nil }
            return thread?.join() ?? nil
        }
    }
}
