package import Logging

/// A log handler that writes one line per record to a ``RotatingLogFile``, in the file's format.
package struct FileLog: LogHandler {
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?

    private let formatter: LogLineFormatter
    private let file: RotatingLogFile

    package init(
        label: String,
        level: Logger.Level,
        file: RotatingLogFile,
        metadataProvider: Logger.MetadataProvider? = nil
    ) {
        logLevel = level
        self.metadataProvider = metadataProvider
        formatter = LogLineFormatter(label: label, format: file.format, now: file.now)
        self.file = file
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        file.write(formatter.line(event, metadata: metadata, provider: metadataProvider))
    }
}
