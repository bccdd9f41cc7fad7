internal import COpenSSL

/// One record that is opened while it arrives.
///
/// Its plaintext goes to memory of its own, which saves the copy out of the read buffer. Nothing may use the plaintext
/// before ``isAuthentic(tag:)`` has returned true.
///
/// It has a libcrypto context to itself, about a kilobyte, because its owner may open other records before this one is
/// complete. libcrypto overwrites the context when the value is destroyed.
@safe package struct RecordOpening: ~Copyable {
    private let context: OpaquePointer

    /// Takes over the context.
    init(context: OpaquePointer) { unsafe self.context = unsafe context }

    deinit { unsafe EVP_CIPHER_CTX_free(context) }

    /// Opens the next bytes in place.
    package mutating func open(_ bytes: inout MutableRawSpan) {
        precondition(bytes.byteCount <= AEADKey.maximumLength, "too long to open at once")
        // The pointer is inside the span and is not kept; libcrypto may write where it reads.
        unsafe bytes.withUnsafeMutableBytes { unsafe AEADKey.process(context, $0, $0.count) }
    }

    /// Opens the next bytes and appends them to `plaintext`, which must have room for them.
    package mutating func open(_ ciphertext: Span<UInt8>, to plaintext: inout OutputSpan<UInt8>) {
        precondition(ciphertext.count <= plaintext.freeCapacity, "no room for the plaintext")
        precondition(ciphertext.count <= AEADKey.maximumLength, "too long to open at once")
        if ciphertext.isEmpty { return }
        // Both pointers are inside the spans and are not kept. The memory is written before it counts as initialized.
        unsafe plaintext.withUnsafeMutableBufferPointer { output, count in
            var written: Int32 = 0
            let target = unsafe output.baseAddress.map { unsafe $0 + count }
            let isOpened = unsafe ciphertext.withUnsafeBufferPointer { input in
                unsafe EVP_CipherUpdate(context, target, &written, input.baseAddress, Int32(input.count))
            }
            Libcrypto.require(isOpened, "opens a part of a record")
            count += Int(written)
        }
    }

    /// Whether all that was opened is authentic. The last call.
    package mutating func isAuthentic(tag: RawSpan) -> Bool {
        guard tag.byteCount == AEADKey.tagLength else { return false }
        return unsafe tag.withUnsafeBytes { tag in
            // It is only read.
            unsafe AEADKey.isAuthentic(context, UnsafeMutableRawPointer(mutating: tag.baseAddress))
        }
    }
}
