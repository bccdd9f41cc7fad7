internal import StrictJSON

/// Durations as people write them: `250ms`, `30s`, `10m`, `1h`, `1d`, and sums of them (`1h30m`).
package enum DurationText {
    /// Units, longest first, in milliseconds.
    private static let units: [(name: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
    ]

    /// The longest accepted duration: ten years. Longer ones are typos.
    package static let longest: Duration = .seconds(3650 * 86_400)

    package struct Malformed: Error, Equatable, CustomStringConvertible {
        package var text: String
        package var problem: String
        package var description: String {
            "invalid duration \(JSONValue.excerpt(of: text)): \(problem); "
                + "write a whole number and a unit, for example 250ms, 30s, 10m, 1h or 1d"
        }
    }

    package static func parse(_ text: String) throws(Malformed) -> Duration {
        var rest = text.utf8[...]
        var total: Int64 = 0
        var previous = Int64.max
        if rest.isEmpty { throw Malformed(text: text, problem: "it is empty") }
        while !rest.isEmpty {
            let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            rest = rest[digits.endIndex...]
            let letters = rest.prefix { !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            rest = rest[letters.endIndex...]
            let unitName = String(decoding: Array(letters), as: UTF8.self)
            if digits.isEmpty { throw Malformed(text: text, problem: "a number is missing") }
            guard let number = Int64(String(decoding: Array(digits), as: UTF8.self)) else {
                throw Malformed(text: text, problem: "the number is too large")
            }
            if letters.isEmpty { throw Malformed(text: text, problem: "the unit is missing") }
            guard let unit = units.first(where: { $0.name == unitName }) else {
                throw Malformed(text: text, problem: "unknown unit \(JSONValue.excerpt(of: unitName))")
            }
            if unit.milliseconds >= previous {
                throw Malformed(text: text, problem: "its units are not in descending order")
            }
            previous = unit.milliseconds
            let (product, tooLarge) = number.multipliedReportingOverflow(by: unit.milliseconds)
            let (sum, overflows) = total.addingReportingOverflow(product)
            if tooLarge || overflows || .milliseconds(sum) > longest {
                throw Malformed(text: text, problem: "it is longer than ten years")
            }
            total = sum
        }
        return .milliseconds(total)
    }

    /// The shortest exact text, cut to whole milliseconds: `90s` is `1m30s`, `600s` is `10m`.
    package static func format(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        var rest = max(0, min(seconds, Int64.max / 2000)) * 1000 + max(0, attoseconds / 1_000_000_000_000_000)
        if rest == 0 { return "0s" }
        var text = ""
        for unit in units where rest >= unit.milliseconds {
            text += "\(rest / unit.milliseconds)\(unit.name)"
            rest %= unit.milliseconds
        }
        return text
    }
}
