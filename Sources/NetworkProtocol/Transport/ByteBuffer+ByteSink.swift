internal import NIOCore

extension ByteBuffer: ByteSink {
    package mutating func append(_ byte: UInt8) { writeInteger(byte) }
    package mutating func append(_ bytes: [UInt8]) { writeBytes(bytes) }
    package mutating func append(_ text: String) { writeString(text) }
    package mutating func append(littleEndian value: UInt32) { writeInteger(value, endianness: .little) }
    package mutating func append(littleEndian value: UInt64) { writeInteger(value, endianness: .little) }
    package mutating func append(bigEndian value: UInt32) { writeInteger(value) }
}
