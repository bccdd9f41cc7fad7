internal import Logging
internal import StrictJSON

/// Formats a log record as one line.
///
/// Text: `TIME LEVEL LABEL: MESSAGE KEY=VALUE …`, with quotes where a value needs them. JSON: one object with `time`,
/// `level`, `label`, `message` and `metadata`. Text from a peer can never start a line, move the cursor or reverse the
/// text.
package struct LogLineFormatter: Sendable {
    package enum Format: String, CaseIterable, Sendable { case text, json }

    /// Longest message or metadata value, in characters; the rest is cut and marked with `…`.
    static let valueLength = 1024

    let label: String
    let format: Format
    let now: @Sendable () -> Timestamp

    /// The whole line with its newline. If a key occurs more than once, the event's wins, then the handler's.
    func line(_ event: LogEvent, metadata: Logger.Metadata, provider: Logger.MetadataProvider?) -> [UInt8] {
        var fields = provider?.get() ?? [:]
        fields.merge(metadata) { $1 }
        fields.merge(event.metadata ?? [:]) { $1 }
        if let error = event.error { fields["error"] = .string("\(error)") }
        return line(event.level, event.message.description, fields)
    }

    /// The whole line with its newline.
    func line(_ level: Logger.Level, _ message: String, _ fields: Logger.Metadata) -> [UInt8] {
        let sorted = fields.sorted { $0.key < $1.key }
        let level = LogLevelName(level).rawValue
        let message = LogText.cut(message)
        var line: [UInt8] = []
        switch format {
        case .text:
            line += now().utf8
            line += " \(level) \(LogText.plain(label)): \(LogText.plain(message))".utf8
            for (key, value) in sorted {
                line += " \(LogText.plain(key))=\(LogText.value(LogText.text(of: value)))".utf8
            }
        case .json:
            JSONValue.object([
                .init("time", .string(now().description)), .init("level", .string(level)),
                .init("label", .string(label)), .init("message", .string(message)),
                .init("metadata", .object(sorted.map { .init($0.key, LogText.json(of: $0.value)) })),
            ]).append(to: &line)
        }
        line.append(UInt8(ascii: "\n"))
        return line
    }
}
