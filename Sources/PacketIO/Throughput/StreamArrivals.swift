import CLinux

/// What the kernel tells of the data that a TCP socket has received.
package struct ReceivedSegments: Sendable, Equatable {
    /// Segments with data since the socket was made; wraps around.
    package var segments: UInt32
    /// Bytes in a full one.
    package var size: UInt32
    /// Memory for what has not been read, in bytes: at least as many as there are.
    package var queued: UInt32

    package init(segments: UInt32, size: UInt32, queued: UInt32) {
        self.segments = segments
        self.size = size
        self.queued = queued
    }

    /// Nil for what is not TCP, and where the kernel does not tell.
    package init?(of descriptor: Int32) {
        var received = outpost_tcp_received()
        // Fills memory of ours.
        guard unsafe outpost_tcp_received(descriptor, &received) == 0 else { return nil }
        self.init(segments: received.segments, size: received.segment_size, queued: received.queued)
    }
}

/// Bytes that have arrived of one TCP stream. TCP gives out nothing behind a segment that is missing until it was sent again, on a
/// slow link for seconds: such bytes have arrived all the same, and are known by the segments that came. No clock inside.
package struct StreamArrivals: Sendable {
    /// Of the kernel's memory for a segment of 1 448 bytes 63 % are payload, of one of 64 KiB nearly all: between the two, so that
    /// never more has arrived than was sent.
    private static let mostPayload = 0.75

    private var lastSegments: UInt32
    private var segments = 0
    /// Segments that brought nothing new; less than 0 when bytes came that were not counted as segments.
    private var repeated = 0.0
    /// Bytes that were told.
    private var told = 0

    /// - Parameter start: the socket before the first byte of the stream is read.
    package init(from start: ReceivedSegments?) {
        lastSegments = start?.segments ?? 0
    }

    /// - Parameters:
    ///   - read: bytes of the stream that have been read.
    ///   - received: the socket after that; nil when it is not known.
    /// - Returns: bytes that have arrived since the last look.
    package mutating func look(read: Int, _ received: ReceivedSegments?) -> Int {
        var arrived = read
        if let received, received.size > 0 {
            segments += Int(received.segments &- lastSegments)
            lastSegments = received.segments
            let whole = Double(segments) - Double(read) / Double(received.size)
            if received.queued == 0 {
                // Nothing is held back: what was read is all there is.
                repeated = whole
            } else {
                let held = (whole - repeated) * Double(received.size)
                arrived += Int(min(max(held, 0), Double(received.queued) * Self.mostPayload))
            }
        }
        defer { told = max(told, arrived) }
        return max(0, arrived - told)
    }
}
