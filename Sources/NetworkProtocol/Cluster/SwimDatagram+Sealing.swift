internal import Cryptography

/// The keys of one cluster: the first one seals, each opens, so that a cluster can change its key while it runs.
package struct SwimKeyring: Sendable {
    private let keys: [(key: Secret, fingerprint: UInt8)]

    /// - Parameter keys: at least one.
    package init(clusterName: String, keys: [ClusterKey]) {
        precondition(!keys.isEmpty, "a cluster has a key")
        self.keys = keys.map { $0.derived(clusterName: clusterName) }
    }

    /// - Parameters:
    ///   - message: at most ``SwimMessage/maximumLength`` bytes.
    ///   - milliseconds: time of sending since 1970.
    ///   - nonce: ``SwimDatagram/nonceLength`` random bytes.
    package func seal(_ message: [UInt8], sentAt milliseconds: Int64, nonce: [UInt8]) -> [UInt8] {
        var sealed: [UInt8] = []
        sealed.reserveCapacity(8 + message.count + SwimDatagram.tagLength)
        let time = UInt64(bitPattern: milliseconds)
        for shift in stride(from: UInt64(56), through: 0, by: -8) {
            sealed.append(UInt8(truncatingIfNeeded: time >> shift))
        }
        sealed += message
        sealed += [UInt8](repeating: 0, count: SwimDatagram.tagLength)
        let head = SwimDatagram.magic + [SwimDatagram.version, keys[0].fingerprint]
        var span = sealed.mutableSpan
        // Bytes have no patterns that are not values.
        var bytes = unsafe span.mutableBytes
        unsafe XChaCha20Poly1305.seal(&bytes, key: keys[0].key, nonce: nonce, authenticating: head.span.bytes)
        return head + nonce + sealed
    }

    /// The message and its time of sending, milliseconds since 1970, of an authentic datagram of any age.
    package func open(_ datagram: [UInt8]) throws(SwimDatagramError) -> (message: [UInt8], sentAt: Int64) {
        guard datagram.count >= SwimDatagram.overhead, datagram.count <= SwimDatagram.maximumLength,
            datagram.starts(with: SwimDatagram.magic)
        else { throw .foreign }
        guard datagram[4] == SwimDatagram.version else { throw .unknownVersion(datagram[4]) }
        let candidates = keys.filter { $0.fingerprint == datagram[5] }
        guard !candidates.isEmpty else { throw .unknownKey }
        let head = Array(datagram.prefix(6))
        let nonce = datagram[6..<SwimDatagram.headerLength]
        for candidate in candidates {
            var sealed = Array(datagram[SwimDatagram.headerLength...])
            var span = sealed.mutableSpan
            // Bytes have no patterns that are not values.
            var bytes = unsafe span.mutableBytes
            guard
                unsafe XChaCha20Poly1305.open(&bytes, key: candidate.key, nonce: nonce, authenticating: head.span.bytes)
            else { continue }
            let time = sealed.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            return (Array(sealed[8..<(sealed.count - SwimDatagram.tagLength)]), Int64(bitPattern: time))
        }
        throw .notAuthentic
    }
}
