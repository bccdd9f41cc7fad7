internal import Glibc
internal import LinkMeasurement
internal import PacketIO
internal import Synchronization
internal import SystemErrors

/// The acceptor's loop and the state that its thread and its owner share.
final class StreamAcceptorCore: Sendable {
    /// After "no more files" or "no memory": a connection that cannot be accepted stays in the queue, and would make
    /// the loop spin.
    private static let backOff: Int64 = 100_000_000

    let counters = Mutex(StreamAcceptorCounters())
    let wakeUp: WakeUp
    private let listener: Mutex<SocketDescriptor?>
    private let permit: StreamPermit
    private let opened = OpenedStreams()
    private let prefaceTime: Int64
    private let onStream: @Sendable (consuming SocketDescriptor, StreamPreface, StreamSlot) -> Void

    init(
        _ listener: consuming SocketDescriptor,
        _ permit: StreamPermit,
        _ prefaceTime: Int64,
        _ wakeUp: WakeUp,
        _ onStream: @escaping @Sendable (consuming SocketDescriptor, StreamPreface, StreamSlot) -> Void
    ) {
        self.listener = Mutex(listener)
        self.permit = permit
        self.prefaceTime = prefaceTime
        self.wakeUp = wakeUp
        self.onStream = onStream
    }

    /// The thread's own state.
    private final class State {
        let listener: SocketDescriptor
        /// Oldest first.
        var pending: [PendingStream] = []
        var acceptAgain: Int64 = .min

        init(_ listener: consuming SocketDescriptor) {
            self.listener = listener
        }
    }

    /// Runs until it is woken to end; returns the error that ended it, if one did.
    func run() -> SystemError? {
        guard let listener = self.listener.withLock({ $0.take() }) else { return nil }
        let state = State(listener)
        do throws(SystemError) {
            while try step(state) {}
            return nil
        } catch {
            return error
        }
    }

    private func step(_ state: State) throws(SystemError) -> Bool {
        var now = KernelClock.monotonic
        let isResting = now < state.acceptAgain
        var entries = [
            pollfd(fd: wakeUp.raw, events: Int16(POLLIN), revents: 0),
            // A negative descriptor is skipped.
            pollfd(fd: isResting ? -1 : state.listener.raw, events: Int16(POLLIN), revents: 0),
        ]
        for stream in state.pending { entries.append(pollfd(fd: stream.raw, events: Int16(POLLIN), revents: 0)) }
        let next = [state.pending.first?.deadline, isResting ? state.acceptAgain : nil].compactMap { $0 }.min()
        let code = SystemCall.poll(&entries, timeout: next.map { max(0, $0 - now) })
        if code == -EINTR { return true }
        _ = try SystemCall.check(code, "poll", "direct port")
        if entries[0].revents != 0 { return false }
        now = KernelClock.monotonic
        self.read(state, Array(entries.dropFirst(2)), now)
        if entries[1].revents != 0 { try self.accept(state, now) }
        return true
    }

    private func accept(_ state: State, _ now: Int64) throws(SystemError) {
        let code = SystemCall.accept(state.listener.raw)
        switch -code {
        case EAGAIN, EPROTO, EPERM, ENETDOWN, EHOSTDOWN, EHOSTUNREACH, ENETUNREACH, ENOPROTOOPT, EOPNOTSUPP:
            return  // the network's errors on that one connection (accept(2))
        case EMFILE, ENFILE, ENOMEM, ENOBUFS:
            state.acceptAgain = now + Self.backOff
            return
        default:
            break
        }
        let socket = SocketDescriptor(owning: try SystemCall.check(code, "accept", "direct port"))
        guard let peer = try? socket.peerAddress(), peer.host == permit.peer else {
            counters.withLock { $0.wrongAddress += 1 }
            return
        }
        if state.pending.count >= StreamAcceptor.maximumPending {
            state.pending.removeFirst()
            counters.withLock { $0.incomplete += 1 }
        }
        state.pending.append(PendingStream(socket, deadline: now + prefaceTime))
    }

    private func read(_ state: State, _ entries: [pollfd], _ now: Int64) {
        var kept: [PendingStream] = []
        for (stream, entry) in zip(state.pending, entries) {
            switch entry.revents != 0 ? stream.read() : .incomplete {
            case .incomplete where now < stream.deadline:
                kept.append(stream)
            case .incomplete, .ended:
                counters.withLock { $0.incomplete += 1 }
            case .complete(let preface):
                admit(stream, preface)
            }
        }
        state.pending = kept
    }

    private func admit(_ stream: PendingStream, _ preface: StreamPreface?) {
        guard let preface, preface.token == permit.token, permit.directions.contains(preface.direction),
            Int(preface.index) < permit.streams
        else { return counters.withLock { $0.refused += 1 } }
        let key = UInt16(preface.direction.rawValue) << 8 | UInt16(preface.index)
        guard opened.take(key) else { return counters.withLock { $0.refused += 1 } }
        counters.withLock { $0.admitted += 1 }
        if let socket = stream.take() { onStream(socket, preface, StreamSlot(opened, key)) }
    }
}
