/// What a session carries: the files of one transfer, at their sender or at their receiver.
///
/// The session calls it for every packet, so it is a generic parameter and never an existential.
package protocol SessionContent: ~Copyable {
    /// Whether there is something to do that waits for no packet.
    var hasWork: Bool { get }
    /// Whether there will be, and nothing says when.
    var isAwaitingSink: Bool { get }
    /// Does a part of it, for some milliseconds.
    mutating func work()

    // MARK: Control messages

    var hasMessages: Bool { get }
    /// Encoded control messages to send, in order.
    mutating func takeMessages() -> [[UInt8]]
    mutating func receive(_ message: ControlMessage)
    /// What the peer did that the protocol forbids.
    var violation: String? { get }

    // MARK: Sending

    /// Bytes of files that were given out to be sent, each once.
    var sentBytes: UInt64 { get }
    /// What goes into the next packet; nil if there is nothing now.
    mutating func next(atMost limit: Int, credit: UInt64) -> OutgoingItem?
    /// Copies what ``next(atMost:credit:)`` returned into a packet. False: it cannot be read.
    mutating func copy(_ data: OutgoingData, to packet: inout MutableRawSpan, at position: Int) -> Bool
    /// How often the number of a stream that is open was used before, mod 2¹⁶.
    func use(of stream: UInt16) -> UInt16
    /// The packet that opened a stream was acknowledged.
    mutating func acknowledged(opening stream: UInt16)
    mutating func acknowledged(_ data: OutgoingData)
    mutating func lose(_ data: OutgoingData)

    // MARK: Receiving

    /// Whether the peer may get more credit for data.
    var takesMore: Bool { get }
    /// A stream of the peer. False: it is not allowed.
    mutating func open(_ stream: UInt16, _ kind: StreamKind, for entry: UInt32) -> Bool
    /// Bytes of a stream. Returns how many were missing before; nil: they cannot be taken now.
    mutating func receive(_ bytes: RawSpan, on stream: UInt16, at offset: UInt64) -> Int?
}

extension SessionContent where Self: ~Copyable {
    package mutating func work() {}
    package var isAwaitingSink: Bool { false }
    package var takesMore: Bool { true }
    package var sentBytes: UInt64 { 0 }
    package mutating func next(atMost limit: Int, credit: UInt64) -> OutgoingItem? { nil }
    package mutating func copy(_ data: OutgoingData, to packet: inout MutableRawSpan, at position: Int) -> Bool {
        false
    }
    package func use(of stream: UInt16) -> UInt16 { 0 }
    package mutating func acknowledged(opening stream: UInt16) {}
    package mutating func acknowledged(_ data: OutgoingData) {}
    package mutating func lose(_ data: OutgoingData) {}
    package mutating func open(_ stream: UInt16, _ kind: StreamKind, for entry: UInt32) -> Bool { false }
    package mutating func receive(_ bytes: RawSpan, on stream: UInt16, at offset: UInt64) -> Int? { nil }
}
