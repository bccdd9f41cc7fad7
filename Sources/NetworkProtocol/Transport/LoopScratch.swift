internal import Cryptography
internal import NIOCore
internal import NIOPosix

/// What the connections of one event loop share, as one of them is at work at a time: memory that packets are put together in, and the
/// contexts of libcrypto. Only the event loop uses it, so it takes no lock.
final class LoopScratch {
    /// Longest buffer that is kept for the next connection.
    private static let keptLength = 128 * 1024

    let contexts = CipherContexts()
    private var buffer = ByteBuffer()
    /// What was taken out of an outbox; empty between two uses.
    var queue: [OutboundPayload] = []

    /// A buffer to write into, without an allocation where one was given back.
    func takeBuffer() -> ByteBuffer {
        var taken = ByteBuffer()
        swap(&taken, &buffer)
        return taken
    }

    /// Gives back a buffer that nothing refers to any more.
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

    /// That of an event loop, on which this must be called.
    static func of(_ eventLoop: any EventLoop) -> LoopScratch {
        eventLoop.preconditionInEventLoop()
        // A thread has one event loop.
        if let existing = ofThread.currentValue { return existing.scratch.value }
        let made = OfThread(eventLoop)
        ofThread.currentValue = made
        return made.scratch.value
    }
}
