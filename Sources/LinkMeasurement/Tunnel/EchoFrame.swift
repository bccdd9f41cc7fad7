package import NIOCore

// Echo datagrams inside a TLS stream, each as:
//
//   offset  size  field
//   0       2     length N, unsigned, big endian
//   2       N     the datagram, as over UDP

/// Framing of echo datagrams in a tunnel.
package enum EchoFrame {
    /// Bytes of the length field.
    package static let headerLength = 2

    /// `datagram` has at most `EchoDatagram.maximumLength` bytes.
    package static func encode(_ datagram: [UInt8], into buffer: inout ByteBuffer) {
        buffer.writeInteger(UInt16(datagram.count))
        buffer.writeBytes(datagram)
    }
}

/// A frame announced a length that no datagram in the tunnel has.
package struct EchoLengthRefused: Error, Equatable, CustomStringConvertible {
    package let announced: Int
    package let accepted: ClosedRange<Int>

    package var description: String {
        "invalid echo datagram of \(announced) bytes: must be \(accepted.lowerBound)–\(accepted.upperBound)"
    }
}

/// Splits the bytes of a tunnel into echo datagrams. It buffers at most what was appended and one unfinished datagram.
package struct EchoFrameDecoder {
    private let lengths: ClosedRange<Int>
    private var buffered = ByteBuffer()

    /// Accepts the length of any datagram.
    package init() { self.init(lengths: EchoDatagram.headerLength...EchoDatagram.maximumLength) }

    package init(lengths: ClosedRange<Int>) { self.lengths = lengths }

    package mutating func append(_ bytes: ByteBuffer) {
        buffered.discardReadBytes()
        buffered.writeImmutableBuffer(bytes)
    }

    /// The next whole datagram; nil if more bytes are needed.
    package mutating func next() throws(EchoLengthRefused) -> ByteBuffer? {
        guard let length = buffered.getInteger(at: buffered.readerIndex, as: UInt16.self).map(Int.init) else {
            return nil
        }
        guard lengths.contains(length) else { throw EchoLengthRefused(announced: length, accepted: lengths) }
        guard buffered.readableBytes >= EchoFrame.headerLength + length else { return nil }
        buffered.moveReaderIndex(forwardBy: EchoFrame.headerLength)
        return buffered.readSlice(length: length)
    }
}
