internal import NIOCore

/// What a connection's socket is read into.
enum ReadBuffers {
    /// A channel keeps what it was last read into, so one that only ever says little keeps little: 512 bytes hold a handshake's messages
    /// and pings. Full reads make the next ones larger, up to 64 KiB.
    static let sizes = AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 512, maximum: 64 * 1024)
}
