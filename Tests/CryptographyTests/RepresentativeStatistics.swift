internal import Cryptography

/// What an observer can count in representatives. Bounds are six standard deviations of random bytes.
struct RepresentativeStatistics {
    enum Flaw {
        /// One bit is set too rarely or too often.
        case bit
        /// The two top bits are not all four pairs equally often.
        case padding
        /// One branch of the inverse map is favored.
        case branch
        /// Parts of low order are not as in the whole group: 1 and 2 in one of eight points, 4 in two, 8 in four.
        case subgroup
    }

    private(set) var count = 0
    private var bits = [Int](repeating: 0, count: 256)
    private var paddings = [Int](repeating: 0, count: 4)
    private var branches = [0, 0]
    private var orders: [Int: Int] = [1: 0, 2: 0, 4: 0, 8: 0]

    mutating func add(_ representative: [UInt8]) {
        count += 1
        for bit in 0..<256 where representative[bit / 8] >> UInt8(bit % 8) & 1 == 1 { bits[bit] += 1 }
        paddings[Int(representative[31] >> 6)] += 1
        branches[FieldProbe.branch(representative)] += 1
        orders[FieldProbe.lowOrderPart(Elligator2.decode(representative)), default: 0] += 1
    }

    var flaws: Set<Flaw> {
        var flaws: Set<Flaw> = []
        if !bits.allSatisfy({ isUsual($0, share: 0.5) }) { flaws.insert(.bit) }
        if !paddings.allSatisfy({ isUsual($0, share: 0.25) }) { flaws.insert(.padding) }
        if !branches.allSatisfy({ isUsual($0, share: 0.5) }) { flaws.insert(.branch) }
        let shares = [1: 0.125, 2: 0.125, 4: 0.25, 8: 0.5]
        if !orders.allSatisfy({ isUsual($0.value, share: shares[$0.key] ?? 0) }) { flaws.insert(.subgroup) }
        return flaws
    }

    private func isUsual(_ number: Int, share: Double) -> Bool {
        let mean = Double(count) * share
        let deviation = (mean * (1 - share)).squareRoot()
        return abs(Double(number) - mean) <= 6 * deviation
    }
}
