internal import CLinux

/// What the kernel reports about the data that a TCP socket has received.
package struct ReceivedSegments: Sendable, Equatable {
    /// Bytes in order since the socket was created.
    package var inOrder: UInt64
    /// Those of them that have not been read.
    package var unread: UInt32
    /// Segments with data since the socket was created; wraps around.
    package var segments: UInt32
    /// Those of them that arrived out of order; wraps around.
    package var outOfOrder: UInt32
    /// Bytes in a full segment.
    package var size: UInt32
    /// Memory for unread data, in bytes: at least as many as the data has.
    package var queued: UInt32

    package init(inOrder: UInt64, unread: UInt32, segments: UInt32, outOfOrder: UInt32, size: UInt32, queued: UInt32) {
        self.inOrder = inOrder
        self.unread = unread
        self.segments = segments
        self.outOfOrder = outOfOrder
        self.size = size
        self.queued = queued
    }

    /// Nil for a socket that is not TCP, and if the kernel does not report it.
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
    /// Whether it was taken from the same socket after `other`, or at the same time.
    fileprivate func isLater(than other: ReceivedSegments) -> Bool {
        inOrder >= other.inOrder && Int32(bitPattern: segments &- other.segments) >= 0
            && Int32(bitPattern: outOfOrder &- other.outOfOrder) >= 0
    }
}

/// Bytes of one TCP stream that have arrived. TCP delivers nothing after a missing segment until it was retransmitted,
/// on a slow link for seconds. Such bytes have arrived all the same, and the counts of segments show them. No clock
/// inside.
package struct StreamArrivals: Sendable {
    private var last: ReceivedSegments?
    /// Bytes in order since the stream's first one.
    private var inOrder: Int
    /// Bytes after a missing segment, as if each segment were a full one.
    private var held = 0
    /// Bytes that were reported.
    private var told = 0

    /// - Parameter start: the socket before the first byte of the stream is read; nil if it is not known.
    package init(from start: ReceivedSegments?) {
        last = start
        inOrder = Int(start?.unread ?? 0)
    }

    /// - Parameters:
    ///   - read: bytes of the stream that have been read.
    ///   - received: the socket after that; nil if it is not known.
    /// - Returns: bytes that have arrived since the last sample.
    package mutating func look(read: Int, _ received: ReceivedSegments?) -> Int {
        var arrived = read
        // Of two concurrent samplers, one may report an older state.
        if let received, let before = last, received.isLater(than: before) {
            advance(from: before, to: received)
            last = received
            // The memory also holds what is in order and unread.
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
        // More bytes became in-order than the in-order segments brought: they filled a gap, and what waited after it
        // follows. A repeated segment brings nothing.
        let brought = min(others * Int(now.size), bytes)
        held += outOfOrder * Int(now.size) - (bytes - brought)
        inOrder += bytes
    }
}
