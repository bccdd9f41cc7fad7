internal import COpenSSL

/// What libcrypto cannot refuse. It traps with a reason: when memory is short, and when this libcrypto lacks a cipher
/// (one that is limited to FIPS algorithms has no ChaCha20-Poly1305).
enum Libcrypto {
    /// A cipher, looked up once, as a look-up takes a lock of the whole process. Never freed.
    ///
    /// `Sendable`, as libcrypto does not change it afterwards.
    @safe private struct Cipher: @unchecked Sendable {
        let pointer: OpaquePointer

        static let chaCha20Poly1305 = Cipher("ChaCha20-Poly1305")
        static let aes256GCM = Cipher("AES-256-GCM")

        private init(_ name: String) {
            guard let cipher = unsafe EVP_CIPHER_fetch(nil, name, nil) else {
                fatalError("this libcrypto does not have \(name)")
            }
            unsafe pointer = unsafe cipher
        }
    }

    static func cipher(of algorithm: RecordCipher.Algorithm) -> OpaquePointer {
        switch algorithm {
        case .xChaCha20Poly1305: unsafe Cipher.chaCha20Poly1305.pointer
        case .aes256GCM: unsafe Cipher.aes256GCM.pointer
        }
    }

    static func makeContext() -> OpaquePointer {
        guard let context = unsafe EVP_CIPHER_CTX_new() else { fatalError("libcrypto has no memory for a cipher") }
        return unsafe context
    }

    /// Traps when a call that cannot fail has failed.
    @inline(__always)
    static func require(_ result: Int32, _ ability: StaticString) {
        if result != 1 { fatalError("this libcrypto no longer \(ability)") }
    }
}
