internal import Crypto
internal import Cryptography

/// The secret that all members of a cluster share: 32 random bytes. Whoever has it may join, and may say anything about anybody.
public struct ClusterKey: Sendable, Hashable {
    /// Length in bytes.
    public static let length = 32

    private let secret: Secret

    /// Returns nil unless there are exactly ``length`` bytes, of which not all are the same.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.length, let first = bytes.first,
            bytes.contains(where: { $0 != first })
        else { return nil }
        secret = Secret(bytes)
    }

    /// Reads 64 hexadecimal digits, as ``hexadecimal`` writes them; either case.
    public init?(hexadecimal text: String) {
        guard text.utf8.count == 2 * Self.length, var bytes = Hexadecimal.bytes(text) else { return nil }
        defer { Wiping.wipe(&bytes) }
        self.init(bytes)
    }

    /// A new key of the system's random numbers.
    public static func random() -> ClusterKey {
        var generator = SystemRandomNumberGenerator()
        while true {
            var bytes = (0..<length).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            defer { Wiping.wipe(&bytes) }
            if let key = ClusterKey(bytes) { return key }
        }
    }

    /// The key in 64 hexadecimal digits. A secret: for a file only its owner reads, for no log.
    public var hexadecimal: String { Hexadecimal.text(secret) }

    /// Key and fingerprint byte for the datagrams of one cluster (HKDF-SHA256, RFC 5869), so that clusters of different names do
    /// not hear each other even with the same key.
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

    /// What members of one cluster hold in the handshakes between them (HKDF-SHA256, RFC 5869).
    func messagingKey(clusterName: String) -> PreSharedKey {
        let okm = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(secret),
            salt: Array(clusterName.utf8),
            info: Array("network-protocol messaging 1".utf8),
            outputByteCount: PreSharedKey.length
        )
        // The bytes are copied, the pointer is not kept.
        guard let key = unsafe okm.withUnsafeBytes({ unsafe PreSharedKey($0) }) else {
            preconditionFailure("HKDF gives as many bytes as it is asked for")
        }
        return key
    }
}

extension ClusterKey {
    public static func == (one: ClusterKey, other: ClusterKey) -> Bool { one.secret == other.secret }

    public func hash(into hasher: inout Hasher) { unsafe secret.withUnsafeBytes { unsafe hasher.combine(bytes: $0) } }
}

extension ClusterKey: CustomStringConvertible, CustomReflectable {
    /// Not the key.
    public var description: String { "cluster key" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
