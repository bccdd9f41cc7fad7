extension EndpointID {
    /// Whether `publicKey` encodes a point of small order, or no point: RFC 8032, 5.1.3, requires y < p = 2²⁵⁵ − 19.
    ///
    /// Anyone can forge a signature "by" a point of small order, so such a key proves nothing. A y beyond the field is
    /// a second name for an existing point.
    static func isWeak(_ publicKey: some Collection<UInt8>) -> Bool {
        // The top bit is the sign of x; a point and its negative have the same order.
        var y = Array(publicKey)
        y[keyLength - 1] &= 0x7f
        let isBeyondField = y[0] >= 0xed && y[keyLength - 1] == 0x7f && y[1..<keyLength - 1].allSatisfy { $0 == 0xff }
        return isBeyondField || smallOrder.contains(y)
    }

    /// y of the eight points whose order divides 8, little-endian, with the sign of x cleared.
    private static let smallOrder: Set<[UInt8]> = {
        var points: Set<[UInt8]> = []
        // Order 4, order 1, order 2 (y = −1).
        points.insert([UInt8](repeating: 0, count: keyLength))
        points.insert([1] + [UInt8](repeating: 0, count: keyLength - 1))
        points.insert([0xec] + [UInt8](repeating: 0xff, count: keyLength - 2) + [0x7f])
        // Order 8: y and −y with y² = (1 − √(1 + d)) ÷ −d on edwards25519.
        points.insert([
            0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
            0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
        ])
        points.insert([
            0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
            0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
        ])
        return points
    }()
}
