internal import Glibc
package import Logging

/// A log handler that writes one line per record, with one write(2), to standard error. ``LogLineFormatter`` formats
/// the lines.
package struct StandardErrorLog: LogHandler {
    package typealias Format = LogLineFormatter.Format

    /// A logger's own level, if it has one; else that of the process.
    package var logLevel: Logger.Level {
        get { ownLevel ?? processLevel.value }
        set { ownLevel = newValue }
    }
    private var ownLevel: Logger.Level?
    private let processLevel: SharedLogLevel
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?

    private let formatter: LogLineFormatter
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
        self.init(
            label: label,
            level: SharedLogLevel(level),
            format: format,
            metadataProvider: metadataProvider,
            now: now,
            write: write
        )
    }

    /// The level follows `level`.
    package init(
        label: String,
        level: SharedLogLevel,
        format: Format,
        metadataProvider: Logger.MetadataProvider? = nil,
        now: @escaping @Sendable () -> Timestamp = { .now },
        write: @escaping @Sendable ([UInt8]) -> Void = { StandardErrorLog.write($0, to: 2) }
    ) {
        processLevel = level
        self.metadataProvider = metadataProvider
        formatter = LogLineFormatter(label: label, format: format, now: now)
        self.write = write
    }

    /// Makes this the handler of every logger. Once per process, before the first logger.
    /// - Returns: the level of all of them, which may be changed.
    @discardableResult
    package static func bootstrap(level: LogLevelName, format: Format) -> SharedLogLevel {
        let shared = SharedLogLevel(level.level)
        LoggingSystem.bootstrap { StandardErrorLog(label: $0, level: shared, format: format) }
        return shared
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        write(formatter.line(event, metadata: metadata, provider: metadataProvider))
    }

    /// One write(2). A log that cannot be written is no reason to stop.
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
