package import NIOCore

// A frame of Paramedic Link:
//
//   offset  size  field
//   0       4     length N of the payload, unsigned, big endian
//   4       N     payload: one JSON object in UTF-8

/// Framing of Paramedic Link and its limits.
package enum LinkFrame {
    /// Bytes of the length field.
    package static let headerLength = 4
    /// Largest payload in bytes.
    package static let maximumLength = 1_048_576
    /// Largest payload in bytes until the peer is authorized: no message of a stranger needs more.
    package static let maximumLengthUnauthorized = 65_536

    package static func encode(_ payload: some Collection<UInt8>, into buffer: inout ByteBuffer) {
        buffer.writeInteger(UInt32(payload.count))
        buffer.writeBytes(payload)
    }
}

/// A frame announced a payload beyond the current limit.
package struct FrameTooLong: Error, Equatable, CustomStringConvertible {
    package let announced: Int
    package let limit: Int

    package var description: String {
        "frame of \(announced) bytes is too long: must be at most \(limit)"
    }
}

/// Splits a byte stream into frames. Allocates nothing for a length that a peer merely announces.
package struct LinkFrameDecoder {
    package var limit: Int
    private var buffered: ByteBuffer?

    package init(limit: Int) {
        self.limit = limit
    }

    package mutating func append(_ bytes: ByteBuffer) {
        guard var held = buffered, held.readableBytes > 0 else {
            buffered = bytes
            return
        }
        // Drop the other reference, or each append would copy the whole buffer.
        buffered = nil
        held.discardReadBytes()
        held.writeImmutableBuffer(bytes)
        buffered = held
    }

    /// Buffered bytes.
    package var heldBytes: Int { buffered?.readableBytes ?? 0 }

    /// The payload of the next whole frame; nil if more bytes are needed.
    package mutating func next() throws(FrameTooLong) -> ByteBuffer? {
        guard let length = buffered?.getInteger(at: buffered?.readerIndex ?? 0, as: UInt32.self) else { return nil }
        guard length <= limit else { throw FrameTooLong(announced: Int(length), limit: limit) }
        guard let held = buffered, held.readableBytes >= LinkFrame.headerLength + Int(length) else { return nil }
        buffered?.moveReaderIndex(forwardBy: LinkFrame.headerLength)
        return buffered?.readSlice(length: Int(length))
    }

    /// What came after the last frame: the first bytes of a tunnel.
    package mutating func takeRemainder() -> ByteBuffer? {
        defer { buffered = nil }
        return buffered.flatMap { $0.readableBytes > 0 ? $0 : nil }
    }
}
