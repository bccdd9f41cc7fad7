internal import Crypto
internal import Cryptography
internal import Foundation

/// The same algorithms, one message at a time, from elsewhere: AES-256-GCM from BoringSSL through swift-crypto,
/// XChaCha20-Poly1305 as single messages, which are compared with libsodium.
enum ReferenceAEAD {
    /// Ciphertext ‖ tag.
    static func sealed(
        _ algorithm: RecordCipher.Algorithm,
        _ plaintext: [UInt8],
        key: [UInt8],
        nonce: [UInt8],
        header: [UInt8]
    ) throws -> [UInt8] {
        switch algorithm {
        case .xChaCha20Poly1305:
            return XChaCha20Poly1305.sealed(plaintext, key: key, nonce: nonce, header: header)
        case .aes256GCM:
            let box = try AES.GCM.seal(
                plaintext,
                using: SymmetricKey(data: key),
                nonce: AES.GCM.Nonce(data: nonce),
                authenticating: header
            )
            return Array(box.ciphertext + box.tag)
        }
    }

    /// The plaintext; throws when not authentic.
    static func opened(
        _ algorithm: RecordCipher.Algorithm,
        _ sealed: [UInt8],
        key: [UInt8],
        nonce: [UInt8],
        header: [UInt8]
    ) throws -> [UInt8]? {
        switch algorithm {
        case .xChaCha20Poly1305:
            return XChaCha20Poly1305.opened(sealed, key: key, nonce: nonce, header: header)
        case .aes256GCM:
            let box = try AES.GCM.SealedBox(
                nonce: AES.GCM.Nonce(data: nonce),
                ciphertext: sealed.dropLast(16),
                tag: sealed.suffix(16)
            )
            return Array(try AES.GCM.open(box, using: SymmetricKey(data: key), authenticating: header))
        }
    }
}
