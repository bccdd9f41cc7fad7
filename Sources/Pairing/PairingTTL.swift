internal import Operations

/// How long a pairing window stays open: whole seconds, 1 second to 1 day.
package struct PairingTTL: Equatable, Sendable, CustomStringConvertible {
    package static let range = 1...86_400
    /// Ten minutes: time to walk to the other machine.
    package static let standard = PairingTTL(seconds: 600)

    package let seconds: Int

    private init(seconds: Int) { self.seconds = seconds }

    /// Parses `30s`, `10m`, `1h`, `1d`.
    package init(parsing text: String) throws {
        let (seconds, attoseconds) = try DurationText.parse(text).components
        guard attoseconds == 0, let whole = Int(exactly: seconds), Self.range.contains(whole) else { throw Malformed() }
        self.seconds = whole
    }

    /// Validates another program's request.
    package init(asking seconds: Int) throws {
        guard Self.range.contains(seconds) else { throw Malformed() }
        self.seconds = seconds
    }

    package var description: String { DurationText.format(.seconds(seconds)) }

    package struct Malformed: Error, CustomStringConvertible {
        package var description: String {
            "invalid duration of a pairing window: must be 1 second to 1 day, in whole seconds, for example 30s, 10m, 1h or 1d"
        }
    }
}
