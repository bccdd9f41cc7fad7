import CLinux

/// What the kernel tells of the data that a TCP socket has received.
package struct ReceivedSegments: Sendable, Equatable {
    /// Bytes in order since the socket was made.
    package var inOrder: UInt64
    /// Those of them that have not been read.
    package var unread: UInt32
    /// Segments with data since the socket was made; wraps around.
    package var segments: UInt32
    /// Those of them that came behind one that was missing; wraps around.
    package var outOfOrder: UInt32
    /// Bytes in a full segment.
    package var size: UInt32
    /// Memory for what has not been read, in bytes: at least as many as there are.
    package var queued: UInt32

    package init(inOrder: UInt64, unread: UInt32, segments: UInt32, outOfOrder: UInt32, size: UInt32, queued: UInt32) {
        self.inOrder = inOrder
        self.unread = unread
        self.segments = segments
        self.outOfOrder = outOfOrder
        self.size = size
        self.queued = queued
    }

    /// Nil for what is not TCP, and where the kernel does not tell.
    package init?(of descriptor: Int32) {
        var received = outpost_tcp_received()
        // Fills memory of ours.
        guard unsafe outpost_tcp_received(descriptor, &received) == 0 else { return nil }
        self.init(
            inOrder: received.in_order,
            unread: received.unread,
            segments: received.segments,
            outOfOrder: received.out_of_order,
            size: received.segment_size,
            queued: received.queued
        )
    }
}

extension ReceivedSegments {
    /// Whether it was taken of the same socket after `other`, or at the same time.
    fileprivate func isLater(than other: ReceivedSegments) -> Bool {
        inOrder >= other.inOrder && Int32(bitPattern: segments &- other.segments) >= 0
            && Int32(bitPattern: outOfOrder &- other.outOfOrder) >= 0
    }
}

/// Bytes that have arrived of one TCP stream. TCP gives out nothing behind a segment that is missing until it was sent again, on a
/// slow link for seconds: such bytes have arrived all the same, and are known by the segments that came. No clock inside.
package struct StreamArrivals: Sendable {
    private var last: ReceivedSegments?
    /// Bytes in order since the first that is read of the stream.
    private var inOrder: Int
    /// Bytes behind a missing segment, as if each segment were a full one.
    private var held = 0
    /// Bytes that were told.
    private var told = 0

    /// - Parameter start: the socket before the first byte of the stream is read; nil when it is not known.
    package init(from start: ReceivedSegments?) {
        last = start
        inOrder = Int(start?.unread ?? 0)
    }

    /// - Parameters:
    ///   - read: bytes of the stream that have been read.
    ///   - received: the socket after that; nil when it is not known.
    /// - Returns: bytes that have arrived since the last look.
    package mutating func look(read: Int, _ received: ReceivedSegments?) -> Int {
        var arrived = read
        // Of two who look at once one may come with what is older.
        if let received, let before = last, received.isLater(than: before) {
            advance(from: before, to: received)
            last = received
            // The memory holds what is in order and unread too.
            let room = Int(received.queued) - max(0, inOrder - read)
            held = max(0, min(held, room))
            arrived = max(read, inOrder) + held
        }
        defer { told = max(told, arrived) }
        return max(0, arrived - told)
    }

    private mutating func advance(from before: ReceivedSegments, to now: ReceivedSegments) {
        let outOfOrder = Int(now.outOfOrder &- before.outOfOrder)
        let others = max(0, Int(now.segments &- before.segments) - outOfOrder)
        let bytes = Int(clamping: now.inOrder &- before.inOrder)
        // More came into order than the segments that came in order brought: they filled a gap, and what waited behind it follows.
        // A segment that came for the second time brings nothing.
        let brought = min(others * Int(now.size), bytes)
        held += outOfOrder * Int(now.size) - (bytes - brought)
        inOrder += bytes
    }
}
