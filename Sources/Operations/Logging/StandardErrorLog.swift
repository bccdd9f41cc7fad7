import Glibc
package import Logging

/// A log handler that writes one line a record, with one write(2), to standard error.
///
/// Text: `TIME LEVEL LABEL: MESSAGE KEY=VALUE …`, values that need it in quotes. JSON: one object with `time`, `level`,
/// `label`, `message` and `metadata`. Nothing that came from a peer can begin a line, move the cursor or reverse the text.
package struct StandardErrorLog: LogHandler {
    package enum Format: String, CaseIterable, Sendable { case text, json }

    /// Longest message or metadata value, in characters; more is cut and marked with `…`.
    package static let valueLength = 1024

    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?

    private let label: String
    private let format: Format
    private let now: @Sendable () -> Timestamp
    private let write: @Sendable ([UInt8]) -> Void

    /// `write` takes one whole line with its newline.
    package init(
        label: String,
        level: Logger.Level,
        format: Format,
        metadataProvider: Logger.MetadataProvider? = nil,
        now: @escaping @Sendable () -> Timestamp = { .now },
        write: @escaping @Sendable ([UInt8]) -> Void = { StandardErrorLog.write($0, to: 2) }
    ) {
        self.label = label
        logLevel = level
        self.format = format
        self.metadataProvider = metadataProvider
        self.now = now
        self.write = write
    }

    /// Makes this the handler of every logger. Once a process, before the first logger.
    package static func bootstrap(level: LogLevelName, format: Format) {
        LoggingSystem.bootstrap { StandardErrorLog(label: $0, level: level.level, format: format) }
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var fields = metadataProvider?.get() ?? [:]
        fields.merge(metadata) { $1 }
        fields.merge(event.metadata ?? [:]) { $1 }
        if let error = event.error { fields["error"] = .string("\(error)") }
        let sorted = fields.sorted { $0.key < $1.key }
        let level = LogLevelName(event.level).rawValue
        let message = LogText.cut(event.message.description)
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
        write(line)
    }

    /// One write(2). A log that cannot be written is nobody's reason to stop.
    @inline(never)
    package static func write(_ line: [UInt8], to descriptor: Int32) {
        while true {
            // The buffer is only read, during the call.
            let result = unsafe line.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            let code = errno
            if result >= 0 || code != EINTR { return }
        }
    }
}
