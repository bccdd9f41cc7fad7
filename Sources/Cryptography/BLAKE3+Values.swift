extension BLAKE3 {
    /// The bytes of a digest or chaining value.
    package typealias Bytes = InlineArray<32, UInt8>

    /// What ``Digest`` and ``ChainingValue`` share.
    package protocol Value: RandomAccessCollection, Hashable, Sendable, CustomStringConvertible
    where Element == UInt8, Index == Int {
        var storage: Bytes { get }
        init(storage: Bytes)
    }

    /// The hash of a whole input.
    package struct Digest: Value {
        package let storage: Bytes
        package init(storage: Bytes) { self.storage = storage }
    }

    /// The value of a subtree inside of a longer input. It is not the digest of the subtree's bytes: that one is
    /// computed with a flag that marks the root.
    package struct ChainingValue: Value {
        package let storage: Bytes
        package init(storage: Bytes) { self.storage = storage }
    }
}

extension BLAKE3.Value {
    /// Nil unless there are 32 bytes.
    package init?(_ bytes: [UInt8]) {
        // Every bit pattern is a valid byte.
        unsafe self.init(bytes.span.bytes)
    }

    /// Nil unless there are 32 bytes.
    package init?(_ bytes: RawSpan) {
        guard bytes.byteCount == BLAKE3.digestLength else { return nil }
        // There are as many, and every bit pattern is a valid byte.
        self.init(storage: unsafe bytes.unsafeLoadUnaligned(as: BLAKE3.Bytes.self))
    }

    package var startIndex: Int { 0 }
    package var endIndex: Int { BLAKE3.digestLength }
    package subscript(position: Int) -> UInt8 { storage[position] }

    /// In a time that does not depend on where they differ, because a digest may be an authentication code.
    package static func == (one: Self, other: Self) -> Bool {
        var difference: UInt8 = 0
        for index in 0..<BLAKE3.digestLength { difference |= one.storage[index] ^ other.storage[index] }
        return difference == 0
    }

    /// In hexadecimal, as b3sum prints it.
    package var description: String {
        let digits = Array("0123456789abcdef")
        return String(flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }

    package func hash(into hasher: inout Swift.Hasher) {
        // The pointer is valid during the call and is not kept.
        unsafe storage.span.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
    }
}
