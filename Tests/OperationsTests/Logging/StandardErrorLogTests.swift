internal import Foundation
internal import Glibc
internal import Logging
internal import Operations
internal import StrictJSON
internal import Synchronization
internal import Testing

@Suite struct StandardErrorLogTests {
    private final class Lines: Sendable {
        let all = Mutex<[String]>([])
        func add(_ bytes: [UInt8]) { all.withLock { $0.append(String(decoding: bytes, as: UTF8.self)) } }
    }

    private func record(
        _ format: StandardErrorLog.Format,
        level: Logger.Level = .trace,
        _ work: (inout Logger) -> Void
    ) -> [String] {
        let lines = Lines()
        var logger = Logger(label: "reflector.link") { label in
            StandardErrorLog(
                label: label,
                level: level,
                format: format,
                now: { Timestamp(microseconds: 1) },
                write: { lines.add($0) }
            )
        }
        work(&logger)
        return lines.all.withLock { $0 }
    }

    @Test func `a record is one line of time, level, label, message and metadata`() {
        let lines = record(.text) { logger in
            logger[metadataKey: "peer.id"] = "PP-A"
            logger.warning("link closed", metadata: ["reason": "idle timeout", "bytes": "\(5)", "empty": ""])
        }
        #expect(
            lines == [
                "1970-01-01T00:00:00.000001Z warn reflector.link: link closed bytes=5 empty=\"\" peer.id=PP-A "
                    + "reason=\"idle timeout\"\n"
            ]
        )
    }

    @Test func `JSON is one object a line`() throws {
        let lines = record(.json) { $0.error("no\nway", metadata: ["a": ["x", "y"], "b": ["k": "v"]]) }
        #expect(
            lines == [
                #"{"time":"1970-01-01T00:00:00.000001Z","level":"error","label":"reflector.link","message":"no\nway","#
                    + #""metadata":{"a":["x","y"],"b":{"k":"v"}}}"# + "\n"
            ]
        )
        #expect(throws: Never.self) { try JSONParser.parse(Array(lines[0].utf8)[...]) }
    }

    @Test(arguments: StandardErrorLog.Format.allCases)
    func `a peer cannot forge a line or move the cursor`(format: StandardErrorLog.Format) {
        let evil = "x\n1970-01-01T00:00:00Z error a: b\r\u{1b}[2J\u{9b}1m\u{202e}\u{2028}\u{7f}\0"
        let lines = record(format) { $0.info("\(evil)", metadata: [evil: "\(evil)", "list": [.string(evil)]]) }
        #expect(lines.count == 1)
        let inner = lines[0].dropLast().unicodeScalars
        #expect(!inner.contains { $0.isHazardousInText })
        #expect(lines[0].hasSuffix("\n"))
    }

    @Test func `a value cannot look like another key`() {
        let lines = record(.text) { $0.info("m", metadata: ["a": "b c=d", "e": "f\"g", "h": "i=j"]) }
        #expect(lines[0].hasSuffix(#"m a="b c=d" e="f\"g" h="i=j""# + "\n"))
    }

    @Test func `a long value is cut`() {
        let lines = record(.text) { $0.info("m", metadata: ["a": "\(String(repeating: "é", count: 1_000_000))"]) }
        #expect(lines[0].utf8.count < 5000 && lines[0].contains("…"))
    }

    @Test func `levels below the threshold are silent`() {
        let lines = record(.text, level: LogLevelName.warn.level) { logger in
            logger.info("a")
            logger.warning("b")
            logger.critical("c")
        }
        #expect(lines.map { $0.split(separator: " ")[1] } == ["warn", "error"])
    }

    @Test func `trace to error are levels, other names are not`() {
        #expect(LogLevelName.allCases.map(\.rawValue) == ["trace", "debug", "info", "warn", "error"])
        for name in LogLevelName.allCases { #expect(LogLevelName(name.level) == name) }
        #expect(LogLevelName(rawValue: "warning") == nil)
    }

    @Test func `an error of the event is a field`() {
        struct Broken: Error, CustomStringConvertible { var description: String { "it broke" } }
        let lines = record(.text) { $0.error("m", error: Broken()) }
        #expect(lines[0].hasSuffix("m error=\"it broke\"\n"))
    }

    @Test func `a line is written to a descriptor, and a closed one is no trap`() throws {
        let pipe = Pipe()
        StandardErrorLog.write(Array("x\n".utf8), to: pipe.fileHandleForWriting.fileDescriptor)
        #expect(pipe.fileHandleForReading.availableData == Data("x\n".utf8))
        StandardErrorLog.write([1], to: -1)
    }
}
