/// A rate in bits a second, as a person writes it: `20M`, `1.5G`, `300K`.
struct BitRate {
    let bitsPerSecond: Double

    init?(_ text: String) {
        let units: [Character: Double] = ["K": 1e3, "M": 1e6, "G": 1e9]
        var digits = Substring(text)
        var unit = 1.0
        if let last = digits.last.flatMap({ $0.uppercased().first }), let factor = units[last] {
            digits = digits.dropLast()
            unit = factor
        }
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2E }), let number = Double(digits),
            (10_000...1e12).contains(number * unit)
        else { return nil }
        bitsPerSecond = number * unit
    }
}
