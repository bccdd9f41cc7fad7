internal import COpenSSL

/// Overwrites key material in a way that no optimizer removes.
package enum Wiping {
    /// Overwrites the bytes of a plain value with zeros.
    static func wipe<let count: Int>(_ words: inout InlineArray<count, UInt32>) {
        var span = words.mutableSpan
        // Every bit pattern is a valid word, and the pointer is not kept.
        unsafe span.withUnsafeMutableBytes { unsafe OPENSSL_cleanse($0.baseAddress, $0.count) }
    }

    /// Overwrites an array with zeros, in its current memory only. So it must not have grown, nor be shared.
    package static func wipe(_ bytes: inout [UInt8]) {
        unsafe bytes.withUnsafeMutableBytes { unsafe OPENSSL_cleanse($0.baseAddress, $0.count) }
    }

    /// Overwrites bytes with zeros; the pointer is not kept.
    static func wipe(_ bytes: UnsafeMutableRawBufferPointer) { unsafe OPENSSL_cleanse(bytes.baseAddress, bytes.count) }
}
