internal import Glibc

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
        self.raw = socket.raw
        self.socket = consume socket
        self.deadline = deadline
    }

    /// Reads what has arrived of the preface, and no byte of the stream after it.
    func read() -> Progress {
        var part = [UInt8](repeating: 0, count: StreamPreface.byteCount - self.bytes.count)
        let raw = self.raw
        // The kernel writes at most the array's length.
        let got = unsafe part.withUnsafeMutableBytes { unsafe SystemCall.receive(raw, $0, flags: Int32(MSG_DONTWAIT)) }
        if got == -Int(EAGAIN) { return .incomplete }
        guard got > 0 else { return .ended }
        self.bytes += part.prefix(got)
        return self.bytes.count < StreamPreface.byteCount ? .incomplete : .complete(StreamPreface(self.bytes))
    }

    /// The socket, which the caller owns from now on.
    func take() -> SocketDescriptor? {
        self.socket.take()
    }
}
