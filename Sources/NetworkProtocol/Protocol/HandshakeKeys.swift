internal import Crypto
internal import Cryptography

/// The secrets of a handshake, as far as it has come.
///
///     th1 = SHA-256(label ‖ init ‖ response without challenge)       both as bincode
///     th2 = SHA-256(th1 ‖ the responder's challenge)
///     th3 = SHA-256(th2 ‖ the initiator's challenge)
///     challenge keys = HKDF-SHA256(secret, salt th1, info "challenge")    32 + 32 bytes: responder's, initiator's
///     traffic keys   = HKDF-SHA256(secret, salt th3, info "traffic")      32 + 32 bytes: responder's, initiator's
///     secret = X25519(ephemeral, ephemeral) ‖ pre-shared key if there is one
struct HandshakeKeys {
    private let secret: SymmetricKey

    /// Throws ``HandshakeError/weakKey`` if the shared secret is all zero, or the key is not valid (RFC 7748, section
    /// 6.1).
    init(
        own: Curve25519.KeyAgreement.PrivateKey,
        peer: [UInt8],
        preSharedKey: PreSharedKey?
    ) throws(HandshakeError) {
        guard let key = try? Curve25519.KeyAgreement.PublicKey(rawRepresentation: peer),
            let shared = try? own.sharedSecretFromKeyAgreement(with: key)
        else { throw .weakKey }
        // Room for both from the start: an array that grows leaves its bytes behind.
        var secret: [UInt8] = []
        secret.reserveCapacity(2 * PreSharedKey.length)
        defer { Wiping.wipe(&secret) }
        unsafe shared.withUnsafeBytes { unsafe secret.append(contentsOf: $0) }
        guard secret.contains(where: { $0 != 0 }) else { throw .weakKey }
        if let preSharedKey { secret.append(contentsOf: preSharedKey.secret) }
        self.secret = SymmetricKey(data: secret)
    }

    struct Pair {
        let responder: Secret
        let initiator: Secret
    }

    func challengeKeys(_ transcript: HandshakeTranscript) -> Pair { pair("challenge", transcript) }
    func trafficKeys(_ transcript: HandshakeTranscript) -> Pair { pair("traffic", transcript) }

    private func pair(_ info: String, _ transcript: HandshakeTranscript) -> Pair {
        let key = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: secret,
            salt: transcript.hash,
            info: Array(info.utf8),
            outputByteCount: 64
        )
        // Copied; the pointer is not kept.
        return unsafe key.withUnsafeBytes { bytes in
            unsafe Pair(responder: Secret(bytes[..<32]), initiator: Secret(bytes[32...]))
        }
    }
}

/// A hash of what both sides have sent so far.
struct HandshakeTranscript: Sendable, Hashable {
    private(set) var hash: [UInt8]

    /// After the initiator's opening and the responder's key and nonce.
    init(_ opening: HandshakeInit, responderKey: [UInt8], responderNonce: [UInt8]) {
        var hasher = SHA256()
        hasher.update(data: Array("outpost network-protocol handshake 1".utf8))
        hasher.update(data: Message.handshakeInit(opening).payload())
        hasher.update(data: responderKey)
        hasher.update(data: responderNonce)
        hash = Array(hasher.finalize())
    }

    mutating func append(_ challenge: [UInt8]) {
        var hasher = SHA256()
        hasher.update(data: hash)
        hasher.update(data: challenge)
        hash = Array(hasher.finalize())
    }
}

/// A secret that two sides share in advance, and that proves each to the other.
public struct PreSharedKey: Sendable {
    /// Length in bytes.
    public static let length = 32
    let secret: Secret

    /// Nil unless there are exactly ``length`` bytes. They should be random: `openssl rand -hex 32`.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == PreSharedKey.length else { return nil }
        secret = Secret(bytes)
    }

    /// Parses 64 hexadecimal digits; nil for anything else.
    public init?(hexadecimal text: some StringProtocol) {
        guard var bytes = Hexadecimal.bytes(text) else { return nil }
        defer { Wiping.wipe(&bytes) }
        self.init(bytes)
    }
}

extension PreSharedKey: CustomStringConvertible, CustomReflectable {
    /// Never the key.
    public var description: String { "pre-shared key" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
