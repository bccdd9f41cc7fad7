internal import Foundation
internal import Logging
internal import Operations
internal import TemporaryFolders
internal import Testing

@Suite("Logging to a file")
struct FileLogTests {
    @Test(arguments: LogLineFormatter.Format.allCases)
    func `a record is the line that standard error would get`(_ format: LogLineFormatter.Format) throws {
        let folder = try TemporaryFolder()
        let path = folder.file("tool.log")
        let standardError = folder.file("standard-error")
        let now: @Sendable () -> Timestamp = { Timestamp(microseconds: 1) }
        let file = try RotatingLogFile(path: path, maximumLength: 10_000, keptFiles: 1, format: format, now: now)
        let provider = Logger.MetadataProvider { ["task": "7"] }
        for handler in [
            FileLog(label: "np.session", level: .info, file: file, metadataProvider: provider) as any LogHandler,
            StandardErrorLog(
                label: "np.session",
                level: .info,
                format: format,
                metadataProvider: provider,
                now: now,
                write: { line in try? write(((try? bytes(standardError)) ?? []) + line, to: standardError) }
            ),
        ] {
            var logger = Logger(label: "np.session") { _ in handler }
            logger[metadataKey: "peer.id"] = "PP-A"
            logger.warning("closed\n", metadata: ["reason": "idle \u{1b}[2J", "list": ["a", "b"]])
            logger.debug("silent")
            logger.logLevel = .debug
            logger.debug("heard")
        }
        let lines = try bytes(path)
        #expect(try lines == bytes(standardError))
        #expect(lines.filter { $0 == UInt8(ascii: "\n") }.count == 2)
        #expect(String(decoding: lines, as: UTF8.self).contains("PP-A"))
    }
}
