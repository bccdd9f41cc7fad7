/// The output of encoders: an array here, a channel's buffer in `Transport`, so that neither needs a copy of the other.
package protocol ByteSink {
    mutating func append(_ byte: UInt8)
    mutating func append(_ bytes: [UInt8])
    mutating func append(_ text: String)
    mutating func append(littleEndian value: UInt32)
    mutating func append(littleEndian value: UInt64)
    mutating func append(bigEndian value: UInt32)
}

extension [UInt8]: ByteSink {
    package mutating func append(_ bytes: [UInt8]) { append(contentsOf: bytes) }
    package mutating func append(_ text: String) { append(contentsOf: text.utf8) }
    package mutating func append(littleEndian value: UInt32) {
        for shift in stride(from: 0, to: 32, by: 8) { append(UInt8(truncatingIfNeeded: value >> UInt32(shift))) }
    }
    package mutating func append(littleEndian value: UInt64) {
        for shift in stride(from: 0, to: 64, by: 8) { append(UInt8(truncatingIfNeeded: value >> UInt64(shift))) }
    }
    package mutating func append(bigEndian value: UInt32) {
        for shift in stride(from: 24, through: 0, by: -8) { append(UInt8(truncatingIfNeeded: value >> UInt32(shift))) }
    }
}
