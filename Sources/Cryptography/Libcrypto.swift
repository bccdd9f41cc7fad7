internal import COpenSSL

/// libcrypto calls that must not fail. They trap with a reason: if memory runs out, and if this libcrypto lacks a
/// cipher (one limited to FIPS algorithms has no ChaCha20-Poly1305).
enum Libcrypto {
    /// A cipher, looked up once, because a lookup takes a process-wide lock. Never freed.
    ///
    /// `Sendable`, because libcrypto does not change it afterwards.
    @safe private struct Cipher: @unchecked Sendable {
        let pointer: OpaquePointer

        static let chaCha20Poly1305 = Cipher("ChaCha20-Poly1305")
        static let aes256GCM = Cipher("AES-256-GCM")

        private init(_ name: String) {
            guard let cipher = unsafe EVP_CIPHER_fetch(nil, name, nil) else {
                fatalError("this libcrypto has no \(name)")
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
        guard let context = unsafe EVP_CIPHER_CTX_new() else { fatalError("libcrypto is out of memory for a cipher") }
        return unsafe context
    }

    /// Traps if a call that cannot fail has failed.
    @inline(__always)
    static func require(_ result: Int32, _ ability: StaticString) {
        if result != 1 { fatalError("this libcrypto no longer \(ability)") }
    }
}
