internal import Files
internal import Operations
internal import Reflector

/// The audit log on disk, which anyone with access to the disk may have changed.
///
/// An input has parts, separated by the byte 0x1e: the present file, the text of one slot of the checkpoint, and closed
/// files, each after a line with its numbers (`1-2`). For no mutation would ever guess a hash, `@@` stands for the hash
/// of the line before (in the checkpoint: of the last line), and `@` in place of the checkpoint's offset for the length
/// of the present file. Every signature is good whose one byte is 1.
enum AuditLogProperties {
    /// Verifying and exporting say what there is, and nothing traps; a log that was opened or taken over is afterwards
    /// one whose end is in order; opening it again finds the same end.
    static func check(_ bytes: [UInt8]) throws(PropertyBroken) {
        let folder = try ScratchFolder()
        let log = "\(folder.path)/a"
        let length = try write(bytes, to: folder)
        let report = try verify(log)
        let newlines = try export(log)
        if let report, report.isIntact {
            try require(report.lines >= newlines, "\(newlines) whole lines were exported, \(report.lines) verified")
        }
        if try open(log, accepting: false) == nil, try open(log, accepting: true) == nil { return }
        guard let after = try verify(log) else { throw PropertyBroken("a log that was opened cannot be verified") }
        try require(after.flaw != nil || after.isIntact, "a log that was opened is not in order: \(after.sentence)")
        // What was at fault before the checkpoint still is; what opening wrote may not add to it.
        try require(report?.flaw != nil || after.flaw == nil || length == 0, "opening broke the log: \(after.sentence)")
        let again = try open(log, accepting: false)
        try require(again != nil, "a log that was opened cannot be opened again")
    }

    private static let signing = AuditSigning(
        endpointID: "PP-FUZZ",
        sign: { _ in [1] },
        verify: { _, _, signature in signature == [1] }
    )

    private static func verify(_ log: String) throws(PropertyBroken) -> AuditReport? {
        let report: AuditReport
        do throws(FileError) {
            report = try AuditVerifier.verify(path: log, layout: .reflector, verify: signing.verify)
        } catch {
            try ErrorText.check(error)
            return nil
        }
        try ErrorText.check(report.sentence)
        return report
    }

    /// How many lines were exported.
    private static func export(_ log: String) throws(PropertyBroken) -> Int64 {
        var torn = false
        let export: AuditExport
        do {
            export = try AuditExport.copy(path: log, since: Timestamp(microseconds: .min)) { line in
                torn = torn || line.last != UInt8(ascii: "\n")
            }
        } catch {
            try ErrorText.check(error)
            return 0
        }
        try require(!torn, "a torn line was exported")
        return export.lines
    }

    /// The end that was found; nil when the log is refused.
    private static func open(_ log: String, accepting: Bool) throws(PropertyBroken) -> Int64? {
        do throws(AuditError) {
            let (opened, opening) = try AuditLog.open(
                path: log,
                signing: signing,
                layout: .reflector,
                acceptsMissingCheckpoint: accepting
            )
            return opened.isHealthy ? opening.sequence : nil
        } catch {
            try ErrorText.check(error)
            return nil
        }
    }

    /// Writes the files of an input; gives the length of the present one.
    private static func write(_ bytes: [UInt8], to folder: borrowing ScratchFolder) throws(PropertyBroken) -> Int {
        let parts = bytes.split(separator: 0x1e, maxSplits: 4, omittingEmptySubsequences: false)
        var hash = AuditLine.noHash
        for part in parts.dropFirst(2) {
            let head = part.prefix { $0 != UInt8(ascii: "\n") }
            let numbers = head.split(separator: UInt8(ascii: "-")).compactMap {
                Int64(String(decoding: $0, as: UTF8.self))
            }
            guard numbers.count == 2, numbers.allSatisfy({ $0 >= 0 }) else { continue }
            let content = chained(part.dropFirst(head.count + 1), &hash)
            try folder.write("a.\(twelveDigits(numbers[0]))-\(twelveDigits(numbers[1]))", content)
        }
        let present = chained(parts[0], &hash)
        try folder.write("a", present)
        if parts.count > 1, !parts[1].isEmpty {
            let text = String(decoding: parts[1], as: UTF8.self).replacing("@@", with: hash)
                .replacing(" @ ", with: " \(present.count) ")
            let padding = max(0, AuditCheckpoint.slotLength - 1 - text.utf8.count)
            try folder.write("a.checkpoint", Array(text.utf8) + repeatElement(0x20, count: padding) + [0x0a])
        }
        return present.count
    }

    private static func twelveDigits(_ number: Int64) -> String {
        String(repeating: "0", count: max(0, 12 - "\(number)".count)) + "\(number)"
    }

    /// The lines with `@@` replaced by the hash of the line before; `hash` is that of the last whole line.
    private static func chained(_ content: ArraySlice<UInt8>, _ hash: inout String) -> [UInt8] {
        var result: [UInt8] = []
        let lines = content.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            let written = replacingMark(in: line, with: hash)
            result += written
            guard index + 1 < lines.count else { break }
            result.append(UInt8(ascii: "\n"))
            hash = AuditLine.hash(of: written[...])
        }
        return result
    }

    private static func replacingMark(in line: ArraySlice<UInt8>, with hash: String) -> [UInt8] {
        let mark = UInt8(ascii: "@")
        var result: [UInt8] = []
        var index = line.startIndex
        while index < line.endIndex {
            if line[index] == mark, index + 1 < line.endIndex, line[index + 1] == mark {
                result += hash.utf8
                index += 2
            } else {
                result.append(line[index])
                index += 1
            }
        }
        return result
    }
}
