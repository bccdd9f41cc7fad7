internal import Dispatch
internal import Identity
internal import LinkMeasurement
internal import NIOCore
internal import Synchronization

/// Decodes frames that take long on another thread than the event loops: one at a time for each peer, and all on one
/// thread, so that peers that send such frames wait for each other, and all others are served beside them.
final class LargeFrames: Sendable {
    /// Longer payloads are decoded here. No request needs more than a few KiB.
    static let threshold = 16 << 10

    private typealias Job = @Sendable () -> Void

    private struct State {
        /// Jobs that wait for one of the same peer; an empty list while that is the only one. All strangers share one
        /// entry.
        var waiting: [EndpointID?: [Job]] = [:]
    }

    private let queue = DispatchQueue(label: "reflector.frames")
    private let state = Mutex(State())

    /// - Parameters:
    ///   - peer: nil for a stranger.
    ///   - then: called on another thread.
    func decode(
        _ payload: ByteBuffer,
        for peer: EndpointID?,
        then: @escaping @Sendable (Result<LinkEnvelope, LinkDecodingError>) -> Void
    ) {
        enqueue(peer) { then(LinkEnvelope.read(payload)) }
    }

    private func enqueue(_ peer: EndpointID?, _ work: @escaping Job) {
        let job: Job = {
            work()
            self.next(peer)
        }
        let isFirst = state.withLock { state in
            guard state.waiting[peer] == nil else {
                state.waiting[peer]?.append(job)
                return false
            }
            state.waiting[peer] = []
            return true
        }
        if isFirst { queue.async(execute: job) }
    }

    private func next(_ peer: EndpointID?) {
        let job: Job? = state.withLock { state in
            guard let first = state.waiting[peer]?.first else {
                state.waiting[peer] = nil
                return nil
            }
            state.waiting[peer]?.removeFirst()
            return first
        }
        if let job { queue.async(execute: job) }
    }
}
