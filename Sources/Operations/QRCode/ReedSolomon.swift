/// Error correction bytes over GF(2⁸) with the polynomial x⁸ + x⁴ + x³ + x² + 1, as QR codes have them.
struct ReedSolomon {
    /// Coefficients of the generator but for the highest, which is 1.
    private let generator: [UInt8]

    init(count: Int) {
        var polynomial = [UInt8](repeating: 0, count: count - 1) + [1]
        var root: UInt8 = 1
        for _ in 0..<count {
            for index in 0..<count {
                polynomial[index] = Self.product(polynomial[index], root)
                if index + 1 < count { polynomial[index] ^= polynomial[index + 1] }
            }
            root = Self.product(root, 2)
        }
        generator = polynomial
    }

    func remainder(of data: some Sequence<UInt8>) -> [UInt8] {
        var rest = [UInt8](repeating: 0, count: generator.count)
        for byte in data {
            let factor = byte ^ rest.removeFirst()
            rest.append(0)
            for index in rest.indices { rest[index] ^= Self.product(generator[index], factor) }
        }
        return rest
    }

    private static func product(_ one: UInt8, _ other: UInt8) -> UInt8 {
        var result = 0
        for bit in (0..<8).reversed() {
            result = result << 1 ^ (result >> 7) * 0x11D
            if other >> bit & 1 == 1 { result ^= Int(one) }
        }
        return UInt8(result)
    }
}
