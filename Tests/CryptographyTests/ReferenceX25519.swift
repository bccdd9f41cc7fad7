internal import COpenSSL

/// X25519 from libcrypto.
enum ReferenceX25519 {
    static func publicKey(of secret: [UInt8]) -> [UInt8] {
        let key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nil, secret, 32)
        defer { EVP_PKEY_free(key) }
        var bytes = [UInt8](repeating: 0, count: 32)
        var length = 32
        precondition(EVP_PKEY_get_raw_public_key(key, &bytes, &length) == 1)
        return bytes
    }

    /// nil for a point of low order.
    static func sharedSecret(_ secret: [UInt8], with publicKey: [UInt8]) -> [UInt8]? {
        let own = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nil, secret, 32)
        let peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nil, publicKey, 32)
        let context = EVP_PKEY_CTX_new(own, nil)
        defer {
            EVP_PKEY_CTX_free(context)
            EVP_PKEY_free(peer)
            EVP_PKEY_free(own)
        }
        precondition(EVP_PKEY_derive_init(context) == 1 && EVP_PKEY_derive_set_peer(context, peer) == 1)
        var bytes = [UInt8](repeating: 0, count: 32)
        var length = 32
        guard EVP_PKEY_derive(context, &bytes, &length) == 1 else {
            ERR_clear_error()
            return nil
        }
        return bytes
    }
}
