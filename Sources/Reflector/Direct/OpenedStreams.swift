internal import Synchronization

/// Which streams of a direct port are open. One that ended early may be reopened, a limited number of times.
final class OpenedStreams: Sendable {
    /// How often one stream may be opened.
    static let maximumOpenings = 8

    private struct Stream {
        var isOpen = true
        var openings = 1
    }

    private let streams = Mutex<[UInt16: Stream]>([:])

    /// False if the stream is open, or has been opened often enough.
    func take(_ key: UInt16) -> Bool {
        self.streams.withLock { streams in
            guard let stream = streams[key] else {
                streams[key] = Stream()
                return true
            }
            guard !stream.isOpen, stream.openings < Self.maximumOpenings else { return false }
            streams[key] = Stream(isOpen: true, openings: stream.openings + 1)
            return true
        }
    }

    func release(_ key: UInt16) {
        streams.withLock { $0[key]?.isOpen = false }
    }
}
