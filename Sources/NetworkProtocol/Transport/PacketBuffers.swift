internal import NIOCore
internal import Synchronization

/// Memory for the packets of long messages, which are built on any thread and written on one event loop. Memory from
/// the allocator would be returned to the system each time, and cost a page fault for each 4 KiB.
final class PacketBuffers: Sendable {
    /// Bytes that are kept for the next messages, at most.
    private static let keptBytes = 2 << 20
    /// Longest buffer that is kept.
    private static let keptLength = 256 * 1024
    /// Shortest one. Shorter memory comes fast from the allocator.
    private static let shortestKept = PayloadEncoding.packetLength

    private struct State {
        /// By the binary logarithm of their capacity, rounded down.
        var buffers = [[ByteBuffer]](repeating: [], count: PacketBuffers.keptLength.trailingZeroBitCount + 1)
        var bytes = 0
    }

    private let state = Mutex(State())

    private static func size(_ capacity: Int) -> Int { Int.bitWidth - 1 - capacity.leadingZeroBitCount }

    /// An empty buffer that holds at least `length` bytes.
    func take(_ length: Int) -> ByteBuffer {
        // Rounded up, so that every buffer of this size is long enough.
        let size = Int.bitWidth - (max(1, length) - 1).leadingZeroBitCount
        var kept = state.withLock { state -> ByteBuffer? in
            guard size < state.buffers.count, !state.buffers[size].isEmpty else { return nil }
            // The oldest: what wrote the newest may still refer to it.
            let kept = state.buffers[size].removeFirst()
            state.bytes -= kept.storageCapacity
            return kept
        }
        // If something still refers to its bytes, this takes other memory.
        kept?.clear()
        return kept ?? ByteBufferAllocator().buffer(capacity: length)
    }

    /// Keeps a buffer whose bytes are no longer needed. If there is no room, those of other lengths make room.
    func give(_ buffer: ByteBuffer) {
        let capacity = buffer.storageCapacity
        guard (PacketBuffers.shortestKept...PacketBuffers.keptLength).contains(capacity) else { return }
        let size = PacketBuffers.size(capacity)
        state.withLock { state in
            while state.bytes + capacity > PacketBuffers.keptBytes {
                let other = state.buffers.indices.last { $0 != size && !state.buffers[$0].isEmpty }
                guard let other else { return }
                state.bytes -= state.buffers[other].removeLast().storageCapacity
            }
            state.bytes += capacity
            state.buffers[size].append(buffer)
        }
    }

    /// Bytes that are kept.
    var bytes: Int { state.withLock { $0.bytes } }
}
