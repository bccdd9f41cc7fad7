/// The bytes of a QR code: its text, padding, and the error correction of each block.
struct QRCodewords {
    /// In the order of their values.
    private static let characters = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:".utf8)
    /// Of versions 1 to 20 at level L: error correction bytes of a block, and blocks.
    private static let corrections = [7, 10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24, 26, 30, 22, 24, 28, 30, 28, 28]
    private static let blocks = [1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 6, 6, 6, 6, 7, 8]

    /// Those of all blocks, a byte of each in turn, as they are drawn.
    let interleaved: [UInt8]

    static func fits(_ text: String, version: Int) -> Bool {
        let count = text.utf8.count
        return 4 + lengthBits(version) + count / 2 * 11 + count % 2 * 6 <= 8 * dataCount(version)
    }

    /// Nil if a character cannot be encoded. The text fits.
    init?(_ text: String, version: Int) {
        let values = text.utf8.compactMap { Self.characters.firstIndex(of: $0) }
        guard values.count == text.utf8.count else { return nil }
        var bits: [Bool] = []
        func append(_ value: Int, _ count: Int) {
            for index in (0..<count).reversed() { bits.append(value >> index & 1 == 1) }
        }
        // The mode, the length, two characters in 11 bits.
        append(0b0010, 4)
        append(values.count, Self.lengthBits(version))
        for index in stride(from: 0, to: values.count, by: 2) {
            if index + 1 < values.count {
                append(values[index] * 45 + values[index + 1], 11)
            } else {
                append(values[index], 6)
            }
        }
        let room = 8 * Self.dataCount(version)
        append(0, min(4, room - bits.count))
        append(0, (8 - bits.count % 8) % 8)
        var data = stride(from: 0, to: bits.count, by: 8).map { start in
            bits[start..<start + 8].reduce(UInt8(0)) { $0 << 1 | ($1 ? 1 : 0) }
        }
        var padding: UInt8 = 0xEC
        while data.count < Self.dataCount(version) {
            data.append(padding)
            padding ^= 0xEC ^ 0x11
        }
        interleaved = Self.interleave(data, version)
    }

    private static func lengthBits(_ version: Int) -> Int { version < 10 ? 9 : 11 }

    /// Bytes of all blocks.
    private static func totalCount(_ version: Int) -> Int {
        var modules = (16 * version + 128) * version + 64
        if version >= 2 {
            let centers = version / 7 + 2
            modules -= (25 * centers - 10) * centers - 55
            if version >= 7 { modules -= 36 }
        }
        return modules / 8
    }

    /// Those that carry the text and padding.
    private static func dataCount(_ version: Int) -> Int {
        totalCount(version) - corrections[version - 1] * blocks[version - 1]
    }

    private static func interleave(_ data: [UInt8], _ version: Int) -> [UInt8] {
        let count = blocks[version - 1]
        // The last blocks are one byte longer if they cannot have the same length.
        let short = data.count / count
        let longer = data.count % count
        var parts: [ArraySlice<UInt8>] = []
        var start = 0
        for block in 0..<count {
            let length = short + (block >= count - longer ? 1 : 0)
            parts.append(data[start..<start + length])
            start += length
        }
        let code = ReedSolomon(count: corrections[version - 1])
        let checks = parts.map { code.remainder(of: $0) }
        var all: [UInt8] = []
        for index in 0...short {
            for part in parts where index < part.count { all.append(part[part.startIndex + index]) }
        }
        for index in 0..<corrections[version - 1] { for check in checks { all.append(check[index]) } }
        return all
    }
}
