internal import Cryptography
internal import NIOCore
internal import NIOPosix

/// Shared by the connections of one event loop, of which only one runs at a time: memory to build packets in, and the
/// contexts of libcrypto. Only the event loop uses it, so it takes no lock.
final class LoopScratch {
    /// Longest buffer that is kept for the next connection.
    private static let keptLength = 128 * 1024

    let contexts = CipherContexts()
    /// For long packets; used by all threads.
    let packets = PacketBuffers()
    private var buffer = ByteBuffer()
    /// Messages taken out of an outbox; empty between two uses.
    var queue: [OutboundPayload] = []

    /// Returns a buffer to write into, without an allocation if one was returned before.
    func takeBuffer() -> ByteBuffer {
        var taken = ByteBuffer()
        swap(&taken, &buffer)
        return taken
    }

    /// Returns a buffer that nothing else refers to.
    func give(_ used: consuming ByteBuffer) {
        guard used.storageCapacity <= LoopScratch.keptLength, used.storageCapacity > buffer.storageCapacity else {
            return
        }
        used.clear()
        buffer = used
    }

    private final class OfThread: Sendable {
        let scratch: NIOLoopBound<LoopScratch>
        init(_ eventLoop: any EventLoop) { scratch = NIOLoopBound(LoopScratch(), eventLoop: eventLoop) }
    }

    private static let ofThread = ThreadSpecificVariable<OfThread>()

    /// The instance of an event loop, on which this must be called.
    static func of(_ eventLoop: any EventLoop) -> LoopScratch {
        eventLoop.preconditionInEventLoop()
        // A thread has one event loop.
        if let existing = ofThread.currentValue { return existing.scratch.value }
        let made = OfThread(eventLoop)
        ofThread.currentValue = made
        return made.scratch.value
    }
}
