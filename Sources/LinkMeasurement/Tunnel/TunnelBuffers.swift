package import NIOCore

/// Sizes for gigabits: few, large reads and writes.
package enum TunnelBuffers {
    /// Bytes of one read from the socket.
    static let readSize = 256 << 10
    /// Bytes of one write of a native test.
    static let writeSize = 256 << 10
    /// Consecutive reads of one connection before its event loop serves the others.
    static let readsPerRound: UInt = 4
    /// Consecutive writes of one connection before its event loop serves the others: some milliseconds. With 4 instead,
    /// one stream carried a fifth less.
    static let writesPerRound = 32
    package static let receiveAllocator = FixedSizeRecvByteBufferAllocator(capacity: readSize)
    /// Enough to keep the kernel busy while the next write is sealed.
    package static let waterMark = ChannelOptions.Types.WriteBufferWaterMark(low: 256 << 10, high: 1 << 20)

    /// Bytes that the kernel keeps unsent (`TCP_NOTSENT_LOWAT`, which Glibc does not define).
    static let notSentLowWater = ChannelOptions.Types.SocketOption(level: .tcp, name: .init(rawValue: 25))

    /// Prepares a connection for bulk data; on its event loop.
    package static func tune(_ channel: any Channel) throws {
        guard let options = channel.syncOptions else { return }
        try options.setOption(.recvAllocator, value: receiveAllocator)
        try options.setOption(.maxMessagesPerRead, value: readsPerRound)
        try options.setOption(.writeBufferWaterMark, value: waterMark)
    }
}
