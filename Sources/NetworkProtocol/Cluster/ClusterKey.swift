internal import Crypto
internal import Cryptography

/// The secret that all members of a cluster share: 32 random bytes. A machine that has it may join, and is trusted with
/// any claim about any member.
public struct ClusterKey: Sendable, Hashable {
    /// Length in bytes.
    public static let length = 32

    private let secret: Secret

    /// Returns nil unless there are exactly ``length`` bytes, not all of them equal.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.length, let first = bytes.first,
            bytes.contains(where: { $0 != first })
        else { return nil }
        secret = Secret(bytes)
    }

    /// Parses 64 hexadecimal digits, as ``hexadecimal`` writes them; either case.
    public init?(hexadecimal text: String) {
        guard text.utf8.count == 2 * Self.length, var bytes = Hexadecimal.bytes(text) else { return nil }
        defer { Wiping.wipe(&bytes) }
        self.init(bytes)
    }

    /// A new key from the system's random number generator.
    public static func random() -> ClusterKey {
        var generator = SystemRandomNumberGenerator()
        while true {
            var bytes = (0..<length).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            defer { Wiping.wipe(&bytes) }
            if let key = ClusterKey(bytes) { return key }
        }
    }

    /// The key in 64 hexadecimal digits. A secret: for a file that only its owner reads, never for a log.
    public var hexadecimal: String { Hexadecimal.text(secret) }

    /// Key and fingerprint byte for the datagrams of one cluster (HKDF-SHA256, RFC 5869), so that clusters with
    /// different names ignore each other even with the same key.
    func derived(clusterName: String) -> (key: Secret, fingerprint: UInt8) {
        let okm = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(secret),
            salt: Array(clusterName.utf8),
            info: Array("network-protocol SWIM 1".utf8),
            outputByteCount: Self.length + 1
        )
        // The bytes are copied, the pointer is not kept.
        return unsafe okm.withUnsafeBytes { unsafe (Secret($0[..<Self.length]), $0[Self.length]) }
    }

    /// The pre-shared key for the handshakes between members of one cluster (HKDF-SHA256, RFC 5869).
    func messagingKey(clusterName: String) -> PreSharedKey {
        let okm = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(secret),
            salt: Array(clusterName.utf8),
            info: Array("network-protocol messaging 1".utf8),
            outputByteCount: PreSharedKey.length
        )
        // The bytes are copied, the pointer is not kept.
        guard let key = unsafe okm.withUnsafeBytes({ unsafe PreSharedKey($0) }) else {
            preconditionFailure("HKDF returns as many bytes as requested")
        }
        return key
    }
}

extension ClusterKey {
    public static func == (one: ClusterKey, other: ClusterKey) -> Bool { one.secret == other.secret }

    public func hash(into hasher: inout Hasher) { unsafe secret.withUnsafeBytes { unsafe hasher.combine(bytes: $0) } }
}

extension ClusterKey: CustomStringConvertible, CustomReflectable {
    /// Never the key.
    public var description: String { "cluster key" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
