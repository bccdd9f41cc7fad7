internal import COpenSSL

extension Wiping {
    /// Overwrites the bytes of a plain value with zeros.
    static func wipe<let count: Int>(_ bytes: inout InlineArray<count, UInt8>) {
        var span = bytes.mutableSpan
        // The pointer is not kept.
        unsafe span.withUnsafeMutableBytes { unsafe OPENSSL_cleanse($0.baseAddress, $0.count) }
    }
}
