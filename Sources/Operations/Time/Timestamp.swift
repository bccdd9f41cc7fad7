internal import CLinux

/// A moment of UTC with microseconds; RFC 3339 as text (`2026-01-31T23:59:59.000001Z`). Leap seconds are not counted,
/// as in POSIX.
package struct Timestamp: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Microseconds since 1970-01-01T00:00:00Z.
    package var microseconds: Int64

    /// The range of RFC 3339: years 0000 to 9999.
    static let range: ClosedRange<Int64> = -62_167_219_200_000_000...253_402_300_799_999_999

    package init(microseconds: Int64) {
        self.microseconds = min(max(microseconds, Timestamp.range.lowerBound), Timestamp.range.upperBound)
    }

    /// The system's clock.
    package static var now: Timestamp { Timestamp(microseconds: outpost_realtime_ns() / 1000) }

    package static func < (left: Timestamp, right: Timestamp) -> Bool { left.microseconds < right.microseconds }

    package var description: String { String(decoding: utf8, as: UTF8.self) }

    /// The 27 bytes of the text form.
    package var utf8: [UInt8] {
        let dayLength: Int64 = 86_400_000_000
        let (days, rest) = Timestamp.floorDivide(microseconds, dayLength)
        let (year, month, day) = Timestamp.civil(fromDays: days)
        var text: [UInt8] = []
        text.reserveCapacity(27)
        Timestamp.append(year, digits: 4, to: &text)
        text.append(UInt8(ascii: "-"))
        Timestamp.append(month, digits: 2, to: &text)
        text.append(UInt8(ascii: "-"))
        Timestamp.append(day, digits: 2, to: &text)
        text.append(UInt8(ascii: "T"))
        Timestamp.append(rest / 3_600_000_000, digits: 2, to: &text)
        text.append(UInt8(ascii: ":"))
        Timestamp.append(rest / 60_000_000 % 60, digits: 2, to: &text)
        text.append(UInt8(ascii: ":"))
        Timestamp.append(rest / 1_000_000 % 60, digits: 2, to: &text)
        text.append(UInt8(ascii: "."))
        Timestamp.append(rest % 1_000_000, digits: 6, to: &text)
        text.append(UInt8(ascii: "Z"))
        return text
    }

    /// Parses RFC 3339 `date-time` (any offset, zero to nine digits of fraction, the rest cut), or a date alone
    /// (midnight UTC).
    package init?(_ text: some StringProtocol) {
        self.init(utf8: Array(text.utf8)[...])
    }

    package init?(utf8 text: ArraySlice<UInt8>) {
        var reader = DigitReader(text)
        guard let year = reader.number(digits: 4), reader.take(UInt8(ascii: "-")),
            let month = reader.number(digits: 2), reader.take(UInt8(ascii: "-")),
            let day = reader.number(digits: 2),
            (1...12).contains(month), day >= 1, day <= Timestamp.days(inMonth: month, of: year)
        else { return nil }
        var total = Timestamp.days(fromYear: year, month: month, day: day) * 86_400_000_000
        if !reader.isAtEnd {
            guard reader.take(UInt8(ascii: "T")) || reader.take(UInt8(ascii: "t")) || reader.take(UInt8(ascii: " ")),
                let hour = reader.number(digits: 2), hour < 24, reader.take(UInt8(ascii: ":")),
                let minute = reader.number(digits: 2), minute < 60, reader.take(UInt8(ascii: ":")),
                let second = reader.number(digits: 2), second <= 60,
                let fraction = reader.fraction(), let offset = reader.offset(), reader.isAtEnd
            else { return nil }
            total += ((hour * 60 + minute - offset) * 60 + second) * 1_000_000 + fraction
        }
        guard Timestamp.range.contains(total) else { return nil }
        microseconds = total
    }

    private static func append(_ value: Int64, digits: Int, to text: inout [UInt8]) {
        var divisor: Int64 = 1
        for _ in 1..<digits { divisor *= 10 }
        while divisor > 0 {
            text.append(UInt8(ascii: "0") + UInt8(value / divisor % 10))
            divisor /= 10
        }
    }

    private static func floorDivide(_ value: Int64, _ by: Int64) -> (Int64, Int64) {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: by)
        return remainder < 0 ? (quotient - 1, remainder + by) : (quotient, remainder)
    }

    private static func days(inMonth month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days since 1970-01-01 of the proleptic Gregorian calendar, counted in eras of 400 years that start in March.
    private static func days(fromYear year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = floorDivide(shifted, 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func civil(fromDays days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let (era, dayOfEra) = floorDivide(days + 719_468, 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }
}

/// Parses the parts of an RFC 3339 text.
private struct DigitReader {
    private var rest: ArraySlice<UInt8>

    init(_ text: ArraySlice<UInt8>) { rest = text }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func take(_ byte: UInt8) -> Bool {
        guard rest.first == byte else { return false }
        rest.removeFirst()
        return true
    }

    private mutating func digit() -> Int64? {
        guard let byte = rest.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
        rest.removeFirst()
        return Int64(byte - UInt8(ascii: "0"))
    }

    mutating func number(digits: Int) -> Int64? {
        var value: Int64 = 0
        for _ in 0..<digits {
            guard let digit = digit() else { return nil }
            value = value * 10 + digit
        }
        return value
    }

    /// Microseconds of an optional `.digits`.
    mutating func fraction() -> Int64? {
        guard take(UInt8(ascii: ".")) else { return 0 }
        guard let first = digit() else { return nil }
        var value = first
        var digits = 1
        while let next = digit() {
            digits += 1
            if digits > 9 { return nil }
            if digits <= 6 { value = value * 10 + next }
        }
        for _ in min(digits, 6)..<6 { value *= 10 }
        return value
    }

    /// Minutes east of UTC.
    mutating func offset() -> Int64? {
        if take(UInt8(ascii: "Z")) || take(UInt8(ascii: "z")) { return 0 }
        let isWest = take(UInt8(ascii: "-"))
        guard isWest || take(UInt8(ascii: "+")), let hours = number(digits: 2), hours < 24,
            take(UInt8(ascii: ":")), let minutes = number(digits: 2), minutes < 60
        else { return nil }
        return (isWest ? -1 : 1) * (hours * 60 + minutes)
    }
}
