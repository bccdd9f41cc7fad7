internal import Foundation
internal import Glibc
internal import Operations
internal import OwnThread
internal import TemporaryFolders
internal import Testing

/// The log under SIGKILL and under the kernel's file size limit, in a process of its own.
@Suite(.ownThread) struct AuditKillTests {
    let folder: TemporaryFolder
    var path: String { folder.file("audit.jsonl") }

    /// The appender's stand-in for a signature.
    let signing = AuditSigning(
        endpointID: "PP-TEST",
        sign: { message in Array(message.reversed().prefix(64)) },
        verify: { _, message, signature in signature == Array(message.reversed().prefix(64)) }
    )

    init() throws { folder = try TemporaryFolder() }

    private var appender: String {
        get throws {
            let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
            let path = URL(fileURLWithPath: tests).deletingLastPathComponent().path + "/AuditAppender"
            try #require(FileManager.default.isExecutableFile(atPath: path), "\(path) was not built")
            return path
        }
    }

    /// Runs a program, kills it once it printed `lines` lines (nil: lets it end), and gives what it printed.
    private func run(_ executable: String, _ arguments: [String], killAfterLines lines: Int?) throws -> [Substring] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        var output = Data()
        var isKilled = false
        while true {
            let more = pipe.fileHandleForReading.availableData
            if more.isEmpty { break }
            output += more
            if let lines, !isKilled, output.count(where: { $0 == 10 }) >= lines {
                kill(process.processIdentifier, SIGKILL)
                isKilled = true
            }
        }
        process.waitUntilExit()
        if lines != nil { #expect(process.terminationReason == .uncaughtSignal) }
        // The last line may be cut by the kill.
        return String(decoding: output, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
            .dropLast()
    }

    @Test func `whatever was acknowledged before SIGKILL is there, and the chain goes on`() throws {
        var acknowledged: Int64 = 0
        for round in 0..<12 {
            let lines = try run(
                appender,
                [path, "\([1, 4, 32][round % 3])", "0"],
                killAfterLines: .random(in: 2...400)
            )
            let opened = try #require(
                lines.first?.split(separator: " ").last.flatMap { Int64($0) },
                "\(lines.first ?? "")"
            )
            #expect(opened >= acknowledged, "acknowledged line \(acknowledged) was lost: the log ended at \(opened)")
            let numbers = lines.dropFirst().compactMap { Int64($0) }
            #expect(numbers.count == lines.count - 1)
            acknowledged = max(acknowledged, numbers.max() ?? 0)
            let (log, opening) = try AuditLog.open(path: path, signing: signing, layout: .sample)
            #expect(opening.sequence >= acknowledged)
            _ = log
            let report = try AuditVerifier.verify(path: path, layout: .sample, verify: signing.verify)
            #expect(report.isIntact && report.lines == opening.sequence, "\(report.sentence)")
        }
        #expect(acknowledged > 12)
    }

    @Test func `SIGKILL while the log is rotated over and over loses no line, and the chain goes on`() throws {
        var acknowledged: Int64 = 0
        for round in 0..<12 {
            let lines = try run(
                appender,
                [path, "\([1, 4][round % 2])", "0", "2"],
                killAfterLines: .random(in: 2...150)
            )
            let numbers = lines.dropFirst().compactMap { Int64($0) }
            #expect(numbers.count == lines.count - 1, "\(lines)")
            acknowledged = max(acknowledged, numbers.max() ?? 0)
            let killed = try AuditVerifier.verify(
                path: path,
                layout: .sample,
                toleratesUnfinishedEnd: true,
                verify: signing.verify
            )
            #expect(killed.isIntact && killed.lastSequence >= acknowledged, "\(killed.sentence)")
            let (log, opening) = try AuditLog.open(path: path, signing: signing, layout: .sample)
            #expect(opening.sequence >= acknowledged)
            _ = log
            let report = try AuditVerifier.verify(path: path, layout: .sample, verify: signing.verify)
            #expect(report.isIntact && report.lines == opening.sequence, "\(report.sentence)")
        }
        #expect(try AuditArchive.all(ofLog: path).count > 12)
    }

    @Test func `the kernel's limit cuts a write in two and no half line stays`() throws {
        // 16 blocks of 512 bytes: the write that meets the limit is taken in part, the next fails with EFBIG.
        let script = "ulimit -f 16; exec \"$0\" \"$@\""
        let lines = try run("/bin/sh", ["-c", script, try appender, path, "1", "100"], killAfterLines: nil)
        let numbers = lines.compactMap { Int64($0) }
        #expect(numbers.count > 5)
        #expect(lines.contains { $0.contains("File too large") })
        let report = try AuditVerifier.verify(path: path, layout: .sample, verify: signing.verify)
        #expect(report.isIntact && report.lines == numbers.max(), "\(report.sentence)")
    }
}
