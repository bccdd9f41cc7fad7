internal import Files
internal import Foundation
internal import Operations
internal import OwnThread
internal import TemporaryFolders
internal import Testing

@Suite(.ownThread) struct AuditLogTests {
    let folder: TemporaryFolder
    let signer = TestSigner()
    var path: String { folder.file("audit.jsonl") }

    init() throws { folder = try TemporaryFolder() }

    @Test func `a new log is private, counts from one and carries the hash of each line in the next`() async throws {
        try await makeLog(path, lines: 3, signing: signer.signing)
        #expect(try mode(path) == 0o600)
        #expect(try mode(path + ".checkpoint") == 0o600)
        var hash = AuditLine.noHash
        for (index, bytes) in splitLines(try bytes(path)).enumerated() {
            let line = try AuditLine(parsing: bytes.dropLast()[...], layout: .sample)
            #expect(line.sequence == Int64(index + 1))
            #expect(line.previousHash == hash)
            #expect(line.record == sampleRecord(index))
            hash = AuditLine.hash(of: bytes.dropLast()[...])
        }
        let report = try AuditVerifier.verify(path: path, layout: .sample, verify: signer.signing.verify)
        #expect(report.lines == 3)
        #expect(report.end == .whole(linesAfterCheckpoint: 0))
        #expect(report.isIntact)
        #expect(report.first == sampleRecord(0).timestamp)
        #expect(report.last == sampleRecord(2).timestamp)
    }

    @Test func `opening again continues the chain`() async throws {
        try await makeLog(path, lines: 2, signing: signer.signing)
        let opening = try await makeLog(path, lines: 2, signing: signer.signing)
        #expect(opening == AuditOpening(sequence: 2))
        #expect(try AuditVerifier.verify(path: path, layout: .sample, verify: signer.signing.verify).lines == 4)
    }

    @Test func `a second opener is refused with the name of the file`() async throws {
        let (log, _) = try AuditLog.open(path: path, signing: signer.signing, layout: .sample)
        #expect(throws: AuditError.locked(path: path)) {
            try AuditLog.open(path: path, signing: signer.signing, layout: .sample)
        }
        #expect("\(AuditError.locked(path: path))".contains(path))
        await log.close()
        let (second, _) = try AuditLog.open(path: path, signing: signer.signing, layout: .sample)
        await second.close()
    }

    @Test func `many tasks append at once and every one gets its own number`() async throws {
        let (log, _) = try AuditLog.open(path: path, signing: signer.signing, layout: .sample)
        let numbers = try await withThrowingTaskGroup(of: Int64.self) { group in
            for index in 0..<500 { group.addTask { try await log.append(sampleRecord(index)) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        await log.close()
        #expect(numbers.sorted() == Array(1...500))
        let report = try AuditVerifier.verify(path: path, layout: .sample, verify: signer.signing.verify)
        #expect(report.lines == 500 && report.isIntact)
    }

    @Test func `an unfinished last line is cut off and reported`() async throws {
        try await makeLog(path, lines: 2, signing: signer.signing)
        let whole = try bytes(path)
        try write(whole + Array(#"{"timestamp":"2026"#.utf8), to: path)
        #expect(try AuditVerifier.verify(path: path, layout: .sample, verify: signer.signing.verify).flaw?.line == 3)
        let opening = try await makeLog(path, lines: 0, signing: signer.signing)
        #expect(opening == AuditOpening(sequence: 2, cutBytes: 18))
        #expect(try bytes(path) == whole)
    }

    @Test func `the zeros that a loss of power leaves after the checkpoint are cut off`() async throws {
        try await makeLog(path, lines: 2, signing: signer.signing)
        let whole = try bytes(path)
        try write(whole + [UInt8](repeating: 0, count: 100) + Array("rest}\n".utf8), to: path)
        #expect(try await makeLog(path, lines: 0, signing: signer.signing).cutBytes == 106)
        #expect(try bytes(path) == whole)
    }

    @Test func `a log whose last lines were removed is not opened`() async throws {
        try await makeLog(path, lines: 5, signing: signer.signing)
        try write(Array(splitLines(try bytes(path)).prefix(4).joined()), to: path)
        #expect { try AuditLog.open(path: path, signing: signer.signing, layout: .sample) } throws: { error in
            guard case .tampered(let found, let problem) = error as? AuditError else { return false }
            return found == path && problem.contains("line 5")
        }
    }

    @Test func `a log whose last line was changed is not opened`() async throws {
        try await makeLog(path, lines: 5, signing: signer.signing)
        var changed = try bytes(path)
        changed[changed.count - 10] ^= 1
        try write(changed, to: path)
        #expect(throws: AuditError.self) { try AuditLog.open(path: path, signing: signer.signing, layout: .sample) }
    }

    @Test func `a log without its checkpoint is opened only when asked`() async throws {
        try await makeLog(path, lines: 5, signing: signer.signing)
        try FileManager.default.removeItem(atPath: path + ".checkpoint")
        #expect(throws: AuditError.self) { try AuditLog.open(path: path, signing: signer.signing, layout: .sample) }
        try FileManager.default.removeItem(atPath: path + ".checkpoint")
        let (log, opening) = try AuditLog.open(
            path: path,
            signing: signer.signing,
            layout: .sample,
            acceptsMissingCheckpoint: true
        )
        #expect(opening.sequence == 6)
        #expect(opening.accepted?.contains("missing or empty") == true)
        try await log.append(sampleRecord(5))
        await log.close()
        #expect(try AuditVerifier.verify(path: path, layout: .sample, verify: signer.signing.verify).lines == 7)
        let line = try AuditLine(parsing: splitLines(try bytes(path))[5].dropLast()[...], layout: .sample)
        #expect(line.record.eventType == AuditArchive.repairedEvent)
        #expect(line.record[parameters: "params"] == ["accepted_line": 5])
    }

    @Test func `a checkpoint by another key does not count`() async throws {
        try await makeLog(path, lines: 2, signing: signer.signing)
        #expect(throws: AuditError.self) {
            try AuditLog.open(path: path, signing: TestSigner().signing, layout: .sample)
        }
    }

    @Test func `lines that no checkpoint binds are reported by verification and cut off by opening`() async throws {
        try await makeLog(path, lines: 2, signing: signer.signing)
        let old = try (bytes(path), bytes(path + ".checkpoint"))
        try await makeLog(path, lines: 3, signing: signer.signing)
        let cut = try bytes(path).count - old.0.count
        try write(old.1, to: path + ".checkpoint")
        let strict = try AuditVerifier.verify(path: path, layout: .sample, verify: signer.signing.verify)
        #expect(!strict.isIntact && strict.end == .unbound(lines: 3), "\(strict.sentence)")
        let tolerant = try AuditVerifier.verify(
            path: path,
            layout: .sample,
            toleratesUnfinishedEnd: true,
            verify: signer.signing.verify
        )
        #expect(tolerant.isIntact && tolerant.end == .whole(linesAfterCheckpoint: 3))
        let opening = try await makeLog(path, lines: 0, signing: signer.signing)
        #expect(opening == AuditOpening(sequence: 2, cutBytes: Int64(cut), cutLines: 3))
        #expect(try bytes(path) == old.0)
        #expect(try AuditVerifier.verify(path: path, layout: .sample, verify: signer.signing.verify).isIntact)
    }

    @Test func `a symbolic link, a folder, a missing folder and a file for everyone are refused with a remedy`() throws
    {
        try write([], to: folder.file("target"))
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: folder.file("target"))
        let open = folder.file("open")
        try write([], to: open)
        try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: open)
        for bad in [path, folder.path, folder.file("none/audit.jsonl"), open, "/dev/full"] {
            #expect { try AuditLog.open(path: bad, signing: signer.signing, layout: .sample) } throws: { error in
                guard case .file(let error) = error as? AuditError else { return false }
                return error.path.hasPrefix(bad) && !error.remedy.isEmpty
            }
        }
    }

    @Test func `a record that is too long is refused alone`() async throws {
        let (log, _) = try AuditLog.open(path: path, signing: signer.signing, layout: .sample)
        let long = AuditRecord("x", reason: String(repeating: "y", count: 70_000))
        await #expect(throws: AuditError.self) { try await log.append(long) }
        var foreign = AuditRecord("x")
        foreign[text: "color"] = "red"
        await #expect(throws: AuditError.self) { try await log.append(foreign) }
        var ofAnotherKind = AuditRecord("x")
        ofAnotherKind[integer: "reason"] = 1
        await #expect(throws: AuditError.self) { try await log.append(ofAnotherKind) }
        await #expect(throws: AuditError.self) { try await log.append(AuditRecord("x", params: ["a": .number(.nan)])) }
        #expect(log.isHealthy)
        #expect(try await log.append(sampleRecord(0)) == 1)
        let almost = AuditRecord("x", reason: String(repeating: "y", count: 65_000))
        #expect(try await log.append(almost) == 2)
        await log.close()
        #expect(try AuditVerifier.verify(path: path, layout: .sample, verify: signer.signing.verify).lines == 2)
    }

    @Test func `after closing nothing is accepted`() async throws {
        let (log, _) = try AuditLog.open(path: path, signing: signer.signing, layout: .sample)
        await log.close()
        #expect(!log.isHealthy)
        await #expect(throws: AuditError.closed(path: path)) { try await log.append(sampleRecord(0)) }
    }
}
