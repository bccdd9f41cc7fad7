internal import NIOCore

/// The read buffers of a connection's socket.
enum ReadBuffers {
    /// A channel keeps its last read buffer, so one that receives little keeps little: 512 bytes hold a handshake's
    /// messages and pings. Full reads make the next ones larger, up to 64 KiB.
    static let sizes = AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 512, maximum: 64 * 1024)
}
