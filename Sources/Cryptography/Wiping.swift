internal import COpenSSL

/// Overwriting of key material, in a way that no optimiser leaves out.
package enum Wiping {
    /// Overwrites the bytes of a plain value with zeros.
    static func wipe<let count: Int>(_ words: inout InlineArray<count, UInt32>) {
        var span = words.mutableSpan
        // Words have no bit patterns that are not values, and the pointer is not kept.
        unsafe span.withUnsafeMutableBytes { unsafe OPENSSL_cleanse($0.baseAddress, $0.count) }
    }

    /// Overwrites an array with zeros: where it is now, and where it was before it grew if it did. So it must not grow, nor be held by others.
    package static func wipe(_ bytes: inout [UInt8]) {
        unsafe bytes.withUnsafeMutableBytes { unsafe OPENSSL_cleanse($0.baseAddress, $0.count) }
    }

    /// Overwrites bytes with zeros; the pointer is not kept.
    static func wipe(_ bytes: UnsafeMutableRawBufferPointer) { unsafe OPENSSL_cleanse(bytes.baseAddress, bytes.count) }
}
