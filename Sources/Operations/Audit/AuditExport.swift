/// Copies the part of a log that support asks for.
package struct AuditExport: Equatable, Sendable {
    /// Lines given to the sink.
    package var lines: Int64 = 0
    /// Lines that were given although their time cannot be read: damage is evidence, too.
    package var unreadable: Int64 = 0

    package init(lines: Int64 = 0, unreadable: Int64 = 0) {
        self.lines = lines
        self.unreadable = unreadable
    }

    package struct MalformedDate: Error, Equatable, CustomStringConvertible {
        package var text: String
        package var description: String {
            "\(JSONValue.string(text).text) is neither a date nor an age; write 2026-01-31, 2026-01-31T12:00:00Z, 24h or 7d"
        }
    }

    /// Reads `--since`: RFC 3339, a date (midnight UTC), or an age (`24h`, `7d`) counted back from `now`.
    package static func since(_ text: String, now: Timestamp = .now) throws(MalformedDate) -> Timestamp {
        if let moment = Timestamp(text) { return moment }
        guard let age = try? DurationText.parse(text) else { throw MalformedDate(text: text) }
        let (seconds, attoseconds) = age.components
        return Timestamp(microseconds: now.microseconds - seconds * 1_000_000 - attoseconds / 1_000_000_000_000)
    }

    /// Gives every whole line with a timestamp at or after `since` to `sink`, newline included, in order and unchanged. An
    /// unfinished last line is left out. Throws `FileError`, or what `sink` throws.
    package static func copy(
        path: String,
        since: Timestamp,
        to sink: (_ line: ArraySlice<UInt8>) throws -> Void
    ) throws -> AuditExport {
        do {
            let file = try AuditDiskFile(reading: path)
            var export = AuditExport()
            var reader = AuditLineReader(from: 0) { count, offset throws(SystemError) in
                try file.read(atMost: count, at: offset)
            }
            while let line = try reader.next() {
                if line.isTooLong {
                    throw FileError(
                        path: path,
                        problem: "a line is longer than \(AuditLine.maximumLength) bytes",
                        remedy: "find out where with `audit verify`"
                    )
                }
                guard line.isTerminated else { break }
                let moment = time(of: line.bytes)
                if let moment, moment < since { continue }
                if moment == nil { export.unreadable += 1 }
                try sink(line.bytes + [UInt8(ascii: "\n")])
                export.lines += 1
            }
            return export
        } catch {
            if let error = error as? SystemError { throw FileError(error, path: path) }
            throw error
        }
    }

    /// The timestamp stands first in every line, so the rest need not be read.
    private static func time(of line: ArraySlice<UInt8>) -> Timestamp? {
        let prefix = Array(#"{"timestamp":""#.utf8)
        guard line.starts(with: prefix) else { return nil }
        let text = line.dropFirst(prefix.count).prefix { $0 != UInt8(ascii: "\"") }
        return Timestamp(utf8: text)
    }
}
