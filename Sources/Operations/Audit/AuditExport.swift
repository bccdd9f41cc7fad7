internal import Files
internal import StrictJSON
internal import SystemErrors

/// Copies a part of the log.
package struct AuditExport: Equatable, Sendable {
    /// Lines passed to the sink.
    package var lines: Int64 = 0
    /// Lines passed to the sink although their time cannot be read: damage is evidence, too.
    package var unreadable: Int64 = 0

    package init(lines: Int64 = 0, unreadable: Int64 = 0) {
        self.lines = lines
        self.unreadable = unreadable
    }

    package struct MalformedDate: Error, Equatable, CustomStringConvertible {
        package var text: String
        package var description: String {
            "invalid time \(JSONValue.excerpt(of: text)): must be a date or an age, such as 2026-01-31, 2026-01-31T12:00:00Z, 24h or 7d"
        }
    }

    /// Parses `--since`: RFC 3339, a date (midnight UTC), or an age (`24h`, `7d`) counted back from `now`.
    package static func since(_ text: String, now: Timestamp = .now) throws(MalformedDate) -> Timestamp {
        if let moment = Timestamp(text) { return moment }
        guard let age = try? DurationText.parse(text) else { throw MalformedDate(text: text) }
        let (seconds, attoseconds) = age.components
        return Timestamp(microseconds: now.microseconds - seconds * 1_000_000 - attoseconds / 1_000_000_000_000)
    }

    /// Passes every whole line with a timestamp at or after `since` to `sink`, with its newline, in order and
    /// unchanged, those of closed files first. An unfinished last line is left out. Throws `FileError`, or what `sink`
    /// throws.
    package static func copy(
        path: String,
        since: Timestamp,
        to sink: (_ line: ArraySlice<UInt8>) throws -> Void
    ) throws -> AuditExport {
        do {
            var export = AuditExport()
            let succession = try AuditFileSequence(ofLog: path)
            for archive in succession.archives {
                try export.copy(try AuditDiskFile(reading: archive.path), archive.path, since, to: sink)
            }
            if let present = succession.present { try export.copy(present, path, since, to: sink) }
            return export
        } catch {
            if let error = error as? SystemError {
                throw FileError(error, orPath: path)
            }
            throw error
        }
    }

    private mutating func copy(
        _ file: AuditDiskFile,
        _ path: String,
        _ since: Timestamp,
        to sink: (_ line: ArraySlice<UInt8>) throws -> Void
    ) throws {
        var reader = AuditLineReader(from: 0) { count, offset throws(SystemError) in
            try file.read(atMost: count, at: offset)
        }
        while let line = try reader.next() {
            if line.isTooLong {
                throw FileError(
                    path: path,
                    problem: "a line is longer than \(AuditLine.maximumLength) bytes",
                    remedy: "find the place with `audit verify`"
                )
            }
            guard line.isTerminated else { return }
            let moment = AuditExport.time(of: line.bytes)
            if let moment, moment < since { continue }
            if moment == nil { unreadable += 1 }
            try sink(line.bytes + [UInt8(ascii: "\n")])
            lines += 1
        }
    }

    /// The timestamp is first in every line, so the rest need not be parsed.
    private static func time(of line: ArraySlice<UInt8>) -> Timestamp? {
        let prefix = Array(#"{"timestamp":""#.utf8)
        guard line.starts(with: prefix) else { return nil }
        let text = line.dropFirst(prefix.count).prefix { $0 != UInt8(ascii: "\"") }
        return Timestamp(utf8: text)
    }
}
