/// Rates as people write them: 50M, 1.5G.
package enum BitRate {
    /// Bits a second, 1 to 10 Tbit/s; nil if it is not a rate.
    package static func parse(_ text: String) -> Int? {
        let units: [Character: Double] = ["K": 1e3, "M": 1e6, "G": 1e9]
        var digits = text[...]
        var factor = 1.0
        if let last = text.last, let unit = units[Character(last.uppercased())] {
            factor = unit
            digits = digits.dropLast()
        }
        guard let value = Double(digits), value.isFinite, value * factor >= 1, value * factor <= 1e13 else {
            return nil
        }
        return Int(value * factor)
    }
}
