internal import Cryptography
internal import NIOCore
internal import NIOPosix

/// The contexts of libcrypto that all connections of one event loop share. Only the event loop uses them, so a record
/// takes no lock.
final class LoopCipherContexts: Sendable {
    private let contexts: NIOLoopBound<CipherContexts>

    private static let ofThread = ThreadSpecificVariable<LoopCipherContexts>()

    private init(_ eventLoop: any EventLoop) {
        contexts = NIOLoopBound(CipherContexts(), eventLoop: eventLoop)
    }

    /// Those of an event loop, on which this must be called.
    static func of(_ eventLoop: any EventLoop) -> CipherContexts {
        eventLoop.preconditionInEventLoop()
        // A thread has one event loop.
        if let existing = ofThread.currentValue { return existing.contexts.value }
        let made = LoopCipherContexts(eventLoop)
        ofThread.currentValue = made
        return made.contexts.value
    }
}
