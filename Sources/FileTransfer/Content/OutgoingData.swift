/// A part of a file that goes into one packet.
package struct OutgoingData: Equatable, Sendable {
    package var stream: UInt16
    package var offset: UInt64
    package var length: Int
    /// Whether the stream ends with it.
    package var isFinal: Bool
    /// Whether the peer acknowledges it at once, because nothing follows for now.
    package var asksAcknowledgment = false

    package init(stream: UInt16, offset: UInt64, length: Int, isFinal: Bool) {
        self.stream = stream
        self.offset = offset
        self.length = length
        self.isFinal = isFinal
    }
}

/// What an end sends next on its streams.
package enum OutgoingItem: Equatable, Sendable {
    case open(stream: UInt16, kind: StreamKind, entry: UInt32)
    case data(OutgoingData)
}

/// What a stream carries: section 4, Streams, of `Docs/COURIER-PROTOCOL.md`.
package enum StreamKind: UInt8, Sendable {
    /// One large file.
    case file = 1
    /// Small files, one after the other.
    case pack = 2
}
