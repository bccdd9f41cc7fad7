internal import Files
public import Logging
internal import Operations

extension NetworkConfiguration {
    /// A log file is rotated before it exceeds this length, in bytes.
    static let maximumLogFileLength: Int64 = 16 * 1024 * 1024
    /// Old log files to keep beside the current one.
    static let keptLogFiles = 5

    /// Makes `[logging]` the handler of every logger. Once per process, before the first logger.
    ///
    /// Throws if the log file cannot be opened.
    public func bootstrapLogging() throws(NetworkConfigurationError) {
        let factory = try logHandlerFactory()
        LoggingSystem.bootstrap(factory)
    }

    /// Makes the handler for a label, as `[logging]` says; all of them share the one log file.
    ///
    /// Throws if the log file cannot be opened.
    public func logHandlerFactory() throws(NetworkConfigurationError) -> @Sendable (_ label: String) -> any LogHandler {
        try logHandlerFactory { StandardErrorLog.write($0, to: 2) }
    }

    /// - Parameter console: receives each line for the console.
    func logHandlerFactory(
        console: @escaping @Sendable ([UInt8]) -> Void
    ) throws(NetworkConfigurationError) -> @Sendable (_ label: String) -> any LogHandler {
        let logging = logging
        let format: LogLineFormatter.Format = logging.isJSON ? .json : .text
        let file = try logFile(format)
        return { label in
            var handlers: [any LogHandler] = []
            if logging.isToConsole {
                handlers.append(StandardErrorLog(label: label, level: logging.level, format: format, write: console))
            }
            if let file { handlers.append(FileLog(label: label, level: logging.level, file: file)) }
            guard var handler = handlers.first else { return SwiftLogNoOpLogHandler() }
            if handlers.count > 1 { handler = MultiplexLogHandler(handlers) }
            if let name = logging.applicationName { handler[metadataKey: "app.name"] = "\(name)" }
            return handler
        }
    }

    private func logFile(_ format: LogLineFormatter.Format) throws(NetworkConfigurationError) -> RotatingLogFile? {
        guard logging.isToFile, let path = logging.filePath else { return nil }
        do throws(FileError) {
            return try RotatingLogFile(
                path: path,
                maximumLength: NetworkConfiguration.maximumLogFileLength,
                keptFiles: NetworkConfiguration.keptLogFiles,
                format: format
            )
        } catch {
            throw self.error("logging.log_file_path", "\(path): \(error.problem)", remedy: error.remedy)
        }
    }
}
