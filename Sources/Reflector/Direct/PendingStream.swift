internal import Glibc
internal import LinkMeasurement
internal import PacketIO
internal import SystemErrors

/// A connection whose preface is not complete. For one thread.
final class PendingStream {
    enum Progress {
        case incomplete
        /// All bytes have arrived; nil: they are no preface.
        case complete(StreamPreface?)
        /// The other side closed it.
        case ended
    }

    let deadline: Int64
    let raw: Int32
    private var socket: SocketDescriptor?
    private var bytes: [UInt8] = []

    init(_ socket: consuming SocketDescriptor, deadline: Int64) {
        raw = socket.raw
        self.socket = consume socket
        self.deadline = deadline
    }

    /// Reads what has arrived of the preface, and no byte of the stream after it.
    func read() -> Progress {
        switch socket?.receiveNow(atMost: StreamPreface.byteCount - self.bytes.count) {
        case .success(let part)? where !part.isEmpty: self.bytes += part
        case .failure(let error)? where error.code == EAGAIN: return .incomplete
        default: return .ended
        }
        return self.bytes.count < StreamPreface.byteCount ? .incomplete : .complete(StreamPreface(self.bytes))
    }

    /// The socket, which the caller owns from now on.
    func take() -> SocketDescriptor? {
        socket.take()
    }
}
