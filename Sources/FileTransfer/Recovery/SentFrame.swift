/// What a sent packet carried, as far as it matters when the packet is acknowledged or lost. 16 bytes.
package struct SentFrame: Equatable, Sendable {
    package var type: PacketType
    /// Whether it had the flag FIN.
    package var isFinal: Bool
    package var stream: UInt16
    /// Bytes of payload.
    package var length: UInt32
    /// Of DATA and CONTROL: the offset in the stream. Of ACK: the highest packet number that it names. Of others: what
    /// the caller likes.
    package var offset: UInt64

    package init(
        _ type: PacketType,
        stream: UInt16 = 0,
        offset: UInt64 = 0,
        length: UInt32 = 0,
        isFinal: Bool = false
    ) {
        self.type = type
        self.isFinal = isFinal
        self.stream = stream
        self.length = length
        self.offset = offset
    }
}

/// How a sent packet counts.
package enum SentCounting: Sendable {
    /// As its frame does.
    case full
    /// It probes for the path's MTU: it is in flight, but no timer waits for it and its loss is no sign of congestion.
    case sizeProbe
    /// It goes to another address than the packets of its path: it counts nowhere.
    case apart
}

/// Takes what became of sent frames.
///
/// A protocol, because closures that change two properties of one value at once do not compile: with it, a session
/// passes its streams `inout` while its recovery works.
package protocol SentFrameHandler: ~Copyable {
    /// The packet was acknowledged.
    mutating func acknowledged(_ frame: SentFrame, number: UInt64)
    /// The packet is taken for lost: what it carried must go again if it still matters.
    mutating func lost(_ frame: SentFrame, number: UInt64)
    /// A packet that was taken for lost was acknowledged after all.
    mutating func acknowledgedAfterLoss(_ frame: SentFrame, number: UInt64)
}
