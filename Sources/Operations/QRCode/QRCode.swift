/// A QR code of capitals, digits and a few signs: ISO/IEC 18004, alphanumeric mode, error correction level L.
package struct QRCode: Sendable {
    /// Versions 1 to 20, which have room for 1249 characters. Larger ones do not fit on a terminal.
    private static let versions = 1...20

    /// Modules on a side.
    package let size: Int
    /// Row by row; true is dark.
    private var modules: [Bool]
    /// Modules that do not carry data.
    private var isFixed: [Bool]

    /// Nil if a character cannot be encoded, or there are too many.
    package init?(_ text: String) {
        guard let version = Self.versions.first(where: { QRCodewords.fits(text, version: $0) }),
            let codewords = QRCodewords(text, version: version)
        else { return nil }
        size = 4 * version + 17
        modules = Array(repeating: false, count: size * size)
        isFixed = modules
        drawPatterns(version)
        draw(codewords.interleaved)
        // A mask that leaves few large areas of one color is read best.
        let best = (0..<8).min { masked($0).penalty < masked($1).penalty } ?? 0
        modules = masked(best).modules
    }

    package func isDark(row: Int, column: Int) -> Bool { modules[row * size + column] }

    private mutating func set(_ row: Int, _ column: Int, _ isDark: Bool) {
        modules[row * size + column] = isDark
        isFixed[row * size + column] = true
    }

    // MARK: Patterns

    private mutating func drawPatterns(_ version: Int) {
        for index in 0..<size {
            set(6, index, index % 2 == 0)
            set(index, 6, index % 2 == 0)
        }
        for (row, column) in [(3, 3), (3, size - 4), (size - 4, 3)] { drawFinder(row, column) }
        let centers = Self.alignmentCenters(version)
        for row in centers {
            for column in centers {
                // The finders are in three of the corners.
                let (isTop, isLeft) = (row == 6, column == 6)
                if isTop && isLeft || isTop && column == centers.last || isLeft && row == centers.last { continue }
                drawAlignment(row, column)
            }
        }
        drawFormat(mask: 0)
        if version >= 7 { drawVersion(version) }
    }

    private mutating func drawFinder(_ row: Int, _ column: Int) {
        for down in -4...4 {
            for right in -4...4 where (0..<size).contains(row + down) && (0..<size).contains(column + right) {
                let ring = max(abs(down), abs(right))
                set(row + down, column + right, ring != 2 && ring != 4)
            }
        }
    }

    private mutating func drawAlignment(_ row: Int, _ column: Int) {
        for down in -2...2 {
            for right in -2...2 { set(row + down, column + right, max(abs(down), abs(right)) != 1) }
        }
    }

    /// Rows and columns in which alignment patterns have their centers.
    private static func alignmentCenters(_ version: Int) -> [Int] {
        guard version > 1 else { return [] }
        let count = version / 7 + 2
        let step = (version * 8 + count * 3 + 5) / (count * 4 - 4) * 2
        return [6] + (0..<count - 1).map { version * 4 + 10 - $0 * step }.reversed()
    }

    /// The error correction level and the mask, twice, with 10 bits of a BCH code.
    private mutating func drawFormat(mask: Int) {
        // Level L is 01.
        let data = 0b01 << 3 | mask
        let bits = (data << 10 | Self.remainder(of: data << 10, by: 0x537, bits: 10)) ^ 0x5412
        func bit(_ index: Int) -> Bool { bits >> index & 1 == 1 }
        for index in 0..<6 { set(index, 8, bit(index)) }
        set(7, 8, bit(6))
        set(8, 8, bit(7))
        set(8, 7, bit(8))
        for index in 9..<15 { set(8, 14 - index, bit(index)) }
        for index in 0..<8 { set(8, size - 1 - index, bit(index)) }
        for index in 8..<15 { set(size - 15 + index, 8, bit(index)) }
        set(size - 8, 8, true)
    }

    /// The version, twice, with 12 bits of a BCH code.
    private mutating func drawVersion(_ version: Int) {
        let bits = version << 12 | Self.remainder(of: version << 12, by: 0x1F25, bits: 12)
        for index in 0..<18 {
            let isDark = bits >> index & 1 == 1
            set(index / 3, size - 11 + index % 3, isDark)
            set(size - 11 + index % 3, index / 3, isDark)
        }
    }

    /// Of a division of polynomials over one bit.
    private static func remainder(of value: Int, by polynomial: Int, bits: Int) -> Int {
        var rest = value
        while rest >> bits != 0 { rest ^= polynomial << (Int.bitWidth - rest.leadingZeroBitCount - bits - 1) }
        return rest
    }

    // MARK: Data

    /// In columns of two modules, from the right to the left, up and down in turn.
    private mutating func draw(_ codewords: [UInt8]) {
        var bit = 0
        for pair in 0..<(size - 1) / 2 {
            // The vertical timing pattern is skipped.
            let right = size - 1 - 2 * pair
            let column = right > 6 ? right : right - 1
            for step in 0..<size {
                let row = pair % 2 == 0 ? size - 1 - step : step
                for place in [row * size + column, row * size + column - 1]
                where !isFixed[place] && bit < codewords.count * 8 {
                    modules[place] = codewords[bit / 8] >> (7 - bit % 8) & 1 == 1
                    bit += 1
                }
            }
        }
    }

    private func masked(_ mask: Int) -> QRCode {
        var code = self
        for row in 0..<size {
            for column in 0..<size where !isFixed[row * size + column] {
                let isInverted =
                    switch mask {
                    case 0: (row + column) % 2 == 0
                    case 1: row % 2 == 0
                    case 2: column % 3 == 0
                    case 3: (row + column) % 3 == 0
                    case 4: (row / 2 + column / 3) % 2 == 0
                    case 5: row * column % 2 + row * column % 3 == 0
                    case 6: (row * column % 2 + row * column % 3) % 2 == 0
                    default: ((row + column) % 2 + row * column % 3) % 2 == 0
                    }
                if isInverted { code.modules[row * size + column].toggle() }
            }
        }
        code.drawFormat(mask: mask)
        return code
    }

    /// Points for what confuses readers: runs, blocks, false finders, and more of one color.
    private var penalty: Int {
        var points = 0
        let finder = [true, false, true, true, true, false, true]
        for line in 0..<2 * size {
            let colors = (0..<size).map {
                line < size ? isDark(row: line, column: $0) : isDark(row: $0, column: line - size)
            }
            var run = 0
            for (index, color) in colors.enumerated() {
                run = index > 0 && color == colors[index - 1] ? run + 1 : 1
                points += run == 5 ? 3 : run > 5 ? 1 : 0
                guard index + 7 <= size, colors[index..<index + 7].elementsEqual(finder) else { continue }
                let before = colors[max(0, index - 4)..<index]
                let after = colors[index + 7..<min(size, index + 11)]
                if !before.contains(true) || !after.contains(true) { points += 40 }
            }
        }
        for row in 0..<size - 1 {
            for column in 0..<size - 1 {
                let color = isDark(row: row, column: column)
                if color == isDark(row: row, column: column + 1), color == isDark(row: row + 1, column: column),
                    color == isDark(row: row + 1, column: column + 1)
                {
                    points += 3
                }
            }
        }
        let dark = modules.count { $0 } * 100 / modules.count
        return points + abs(dark - 50) / 5 * 10
    }
}
