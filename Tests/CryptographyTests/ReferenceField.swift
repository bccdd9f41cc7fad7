/// Integers modulo p = 2²⁵⁵ − 19 as four words, slowly and in the plainest way, to compare with the field of
/// `CCurve25519`.
struct ReferenceField: Equatable {
    static let p: [UInt64] = [0xffff_ffff_ffff_ffed, .max, .max, 0x7fff_ffff_ffff_ffff]

    /// Least significant first; below p.
    let words: [UInt64]

    /// All 256 bits count.
    init(_ bytes: [UInt8]) {
        self.init(
            reducing: (0..<4).map { word in
                (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[8 * word + $1]) << (8 * UInt64($1)) }
            }
        )
    }

    init(_ small: UInt64) { words = [small, 0, 0, 0] }

    private init(reducing words: [UInt64]) {
        var words = words
        while !Self.isLess(words, Self.p) { words = Self.difference(words, Self.p) }
        self.words = words
    }

    var bytes: [UInt8] { words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } } }

    static func + (one: Self, other: Self) -> Self {
        var sum = one.words
        var carry: UInt64 = 0
        for index in 0..<4 {
            let (first, overflow) = sum[index].addingReportingOverflow(other.words[index])
            let (second, again) = first.addingReportingOverflow(carry)
            sum[index] = second
            carry = (overflow ? 1 : 0) + (again ? 1 : 0)
        }
        // Both are below 2²⁵⁵, so nothing is left.
        return Self(reducing: sum)
    }

    static prefix func - (one: Self) -> Self { Self(reducing: difference(p, one.words)) }

    static func - (one: Self, other: Self) -> Self { one + -other }

    /// Every word with every word; then, twice, what stands above 2²⁵⁶ comes back 38 times, because 2²⁵⁶ is 38.
    static func * (one: Self, other: Self) -> Self {
        var product = [UInt64](repeating: 0, count: 8)
        for (i, x) in one.words.enumerated() { add(other.words, times: x, to: &product, at: i) }
        for _ in 0..<2 {
            let high = Array(product[4...])
            product.replaceSubrange(4..., with: [0, 0, 0, 0])
            add(high, times: 38, to: &product, at: 0)
        }
        return Self(reducing: Array(product[..<4]))
    }

    private static func add(_ words: [UInt64], times factor: UInt64, to sum: inout [UInt64], at start: Int) {
        var carry: UInt64 = 0
        for (index, word) in words.enumerated() {
            let (high, low) = word.multipliedFullWidth(by: factor)
            let (first, overflow) = sum[start + index].addingReportingOverflow(low)
            let (second, again) = first.addingReportingOverflow(carry)
            sum[start + index] = second
            // The largest product leaves room for both.
            carry = high + (overflow ? 1 : 0) + (again ? 1 : 0)
        }
        // Nothing stands there yet.
        sum[start + words.count] = carry
    }

    /// To the power of (p − `less`) / `divisor`, a power of two.
    func power(less: UInt64, dividedBy divisor: UInt64) -> Self {
        // The lowest word does not borrow.
        let exponent = [Self.p[0] - less] + Self.p.dropFirst()
        var result = Self(1)
        for bit in (divisor.trailingZeroBitCount..<256).reversed() {
            result = result * result
            if exponent[bit / 64] >> (UInt64(bit) % 64) & 1 == 1 { result = result * self }
        }
        return result
    }

    private static func isLess(_ one: [UInt64], _ other: [UInt64]) -> Bool {
        for index in (0..<4).reversed() where one[index] != other[index] { return one[index] < other[index] }
        return false
    }

    private static func difference(_ one: [UInt64], _ other: [UInt64]) -> [UInt64] {
        var words = one
        var borrow: UInt64 = 0
        for index in 0..<4 {
            let (first, overflow) = words[index].subtractingReportingOverflow(other[index])
            let (second, again) = first.subtractingReportingOverflow(borrow)
            words[index] = second
            borrow = (overflow ? 1 : 0) + (again ? 1 : 0)
        }
        return words
    }
}
