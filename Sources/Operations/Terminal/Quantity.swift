/// Numbers for people: three significant digits, a unit, and never more than eleven characters, whatever the value.
package enum Quantity {
    /// Shown for a value that is missing or not a number.
    package static let missing = "–"

    /// Bits per second: `9.41 Gbit/s`.
    package static func rate(_ bitsPerSecond: Double?) -> String {
        scaled(bitsPerSecond, units: ["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s", "Pbit/s"], short: false)
    }

    /// Bytes: `1.2 GB`.
    package static func bytes(_ bytes: Double?) -> String {
        scaled(bytes, units: ["B", "kB", "MB", "GB", "TB", "PB", "EB"], short: true)
    }

    /// Bytes: `1.2 GB`.
    package static func bytes(_ bytes: Int?) -> String {
        Self.bytes(bytes.map(Double.init))
    }

    /// Milliseconds: `0.84 ms`, `182 ms`; seconds from ten thousand on.
    package static func milliseconds(_ value: Double?) -> String {
        guard let value, value.isFinite else { return missing }
        guard value.magnitude < 9_999.5 else {
            return value.magnitude < 1e9 ? "\(fixed(value / 1000, decimals: 1)) s" : "\(value < 0 ? "< -" : "> ")1e6 s"
        }
        return "\(fixed(value, decimals: decimals(millisecondsMagnitude: value.magnitude))) ms"
    }

    /// Milliseconds with enough decimals to distinguish values `step` apart: `0.105 ms` for a step of 5 µs. Up to six.
    package static func milliseconds(_ value: Double, step: Double) -> String {
        guard value.isFinite, value.magnitude < 1e6, step.isFinite, step > 0 else { return milliseconds(value) }
        var decimals = 0
        var digit = step
        while decimals < 6, digit < 0.999 {
            digit *= 10
            decimals += 1
        }
        return "\(fixed(value, decimals: decimals)) ms"
    }

    /// Milliseconds with a sign, for a difference: `+182 ms`.
    package static func change(milliseconds value: Double?) -> String {
        guard let value, value.isFinite else { return missing }
        let text = milliseconds(value)
        return value > 0 ? "+\(text)" : text
    }

    /// Percent: `0 %`, `0.04 %`, `12.5 %`.
    package static func percent(_ value: Double?) -> String {
        guard let value, value.isFinite else { return missing }
        guard value.magnitude < 1e6 else { return value < 0 ? "< -1e6 %" : "> 1e6 %" }
        if value == 0 { return "0 %" }
        return "\(fixed(value, decimals: value.magnitude < 0.995 ? 2 : value.magnitude < 99.95 ? 1 : 0)) %"
    }

    /// A count with thin groups: `12 345`.
    package static func count(_ value: Int?) -> String {
        guard let value else { return missing }
        let digits = String(value.magnitude)
        guard digits.count <= 15 else { return value < 0 ? "< -1e15" : "> 1e15" }
        var grouped = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { grouped.append(" ") }
            grouped.append(digit)
        }
        return value < 0 ? "-\(grouped)" : grouped
    }

    /// A computed number, rounded to an integer: `1 240`.
    package static func whole(_ value: Double?) -> String {
        guard let value, value.isFinite, value.magnitude < 1e15 else { return missing }
        return count(Int(value.rounded()))
    }

    /// Seconds: `10.0 s`.
    package static func seconds(_ value: Double?) -> String {
        guard let value, value.isFinite, value.magnitude < 1e9 else { return missing }
        return "\(fixed(value, decimals: 1)) s"
    }

    /// A quantity without decimals that are all zero, for labels of axes and tables of limits: `5 ms` for `5.00 ms`.
    package static func trimmed(_ quantity: String) -> String {
        guard let space = quantity.lastIndex(of: " "), quantity[..<space].contains(".") else { return quantity }
        var number = quantity[..<space]
        while number.last == "0" { number.removeLast() }
        if number.last == "." { number.removeLast() }
        return String(number + quantity[space...])
    }

    /// A number with exactly this many decimals, rounded half away from zero; ``missing`` if it is not finite or too
    /// large.
    package static func fixed(_ value: Double, decimals: Int) -> String {
        let places = min(max(decimals, 0), 6)
        let scale = (0..<places).reduce(1) { power, _ in power * 10 }
        let scaled = (value * Double(scale)).rounded()
        guard scaled.isFinite, scaled.magnitude < 9e15 else { return missing }
        let whole = Int(scaled)
        let sign = whole < 0 ? "-" : ""
        guard places > 0 else { return "\(whole)" }
        let fraction = String(Int(whole.magnitude) % scale)
        let zeros = String(repeating: "0", count: places - fraction.count)
        return "\(sign)\(Int(whole.magnitude) / scale).\(zeros)\(fraction)"
    }

    private static func scaled(_ value: Double?, units: [String], short: Bool) -> String {
        guard let value, value.isFinite, value >= 0 else { return missing }
        var rest = value
        var unit = 0
        // 999.5 would be written as 1000.
        while rest >= 999.5, unit < units.count - 1 {
            rest /= 1000
            unit += 1
        }
        guard rest < 999.5 else { return "> 999 \(units[unit])" }
        let decimals = short ? (rest < 9.95 ? 1 : 0) : (rest < 9.995 ? 2 : rest < 99.95 ? 1 : 0)
        return "\(fixed(rest, decimals: unit == 0 ? 0 : decimals)) \(units[unit])"
    }

    private static func decimals(millisecondsMagnitude value: Double) -> Int {
        value == 0 ? 0 : value < 0.0995 ? 3 : value < 9.995 ? 2 : value < 99.95 ? 1 : 0
    }
}
