internal import Foundation
internal import Operations
internal import OwnThread
internal import TemporaryFolders
internal import Testing

@Suite(.ownThread) struct AuditRotationTests {
    let folder: TemporaryFolder
    let signer = TestSigner()
    var path: String { folder.file("audit.jsonl") }

    init() throws { folder = try TemporaryFolder() }

    private func report() throws -> AuditReport {
        try AuditVerifier.verify(path: path, layout: .sample, verify: signer.signing.verify)
    }

    /// Three closed files of 3, 3 and 3 lines (each but the first begins with the line of its rotation) and a present
    /// one.
    private func makeArchives() async throws -> [AuditArchive] {
        let (log, _) = try AuditLog.open(path: path, signing: signer.signing, layout: .sample)
        var index = 0
        for lines in [3, 2, 2] {
            for _ in 0..<lines {
                try await log.append(sampleRecord(index))
                index += 1
            }
            _ = try await log.rotate()
        }
        try await log.append(sampleRecord(index))
        await log.close()
        return try AuditArchive.all(ofLog: path)
    }

    @Test func `closed files and the present one are one chain that is verified and exported in succession`()
        async throws
    {
        let archives = try await makeArchives()
        #expect(
            archives.map(\.name) == [
                "audit.jsonl.000000000001-000000000003", "audit.jsonl.000000000004-000000000006",
                "audit.jsonl.000000000007-000000000009",
            ]
        )
        #expect(try archives.allSatisfy { try mode($0.path) == 0o600 })
        let whole = try report()
        #expect(whole.isIntact && whole.lines == 11 && whole.files == 4, "\(whole.sentence)")
        let first = try AuditLine(parsing: splitLines(try bytes(path))[0].dropLast()[...], layout: .sample)
        #expect(first.sequence == 10 && first.record.eventType == AuditArchive.rotatedEvent)
        #expect(first.record[parameters: "params"] == ["previous_file": .string(archives[2].name)])
        let old = splitLines(try bytes(archives[2].path)).last.map { AuditLine.hash(of: $0.dropLast()[...]) }
        #expect(first.previousHash == old)
        var copy: [UInt8] = []
        let export = try AuditExport.copy(path: path, since: Timestamp(microseconds: 0)) { copy += $0 }
        #expect(export.lines == 11)
        #expect(copy == (try (archives.map(\.path) + [path]).flatMap { try bytes($0) }))
        #expect(try await makeLog(path, lines: 1, signing: signer.signing).sequence == 11)
        #expect(try report().lines == 12)
    }

    @Test func `old files may be moved away from the front, and nowhere else`() async throws {
        let archives = try await makeArchives()
        try FileManager.default.removeItem(atPath: archives[0].path)
        var found = try report()
        #expect(found.isIntact && found.movedAway == 3 && found.lines == 8, "\(found.sentence)")
        try FileManager.default.removeItem(atPath: archives[2].path)
        found = try report()
        #expect(found.flaw?.line == 7 && found.sentence.contains("removed"), "\(found.sentence)")
        try FileManager.default.removeItem(atPath: archives[1].path)
        found = try report()
        #expect(found.isIntact && found.movedAway == 9 && found.lines == 2, "\(found.sentence)")
        // The first line that is there must be the one of a rotation.
        try write(Array(splitLines(try bytes(path)).dropFirst().joined()), to: path)
        #expect(try !report().isIntact)
    }

    @Test func `a changed, shortened or forged closed file is found, by name`() async throws {
        let archives = try await makeArchives()
        for (index, archive) in archives.enumerated() {
            let good = try bytes(archive.path)
            var changed = good
            changed[good.count - 20] ^= 1
            for bad in [changed, Array(splitLines(good).dropLast().joined()), Array(good.dropLast(7)), []] {
                try write(bad, to: archive.path)
                let found = try report()
                #expect(!found.isIntact, "\(found.sentence)")
                #expect((1...10).contains(found.flaw?.line ?? 0), "archive \(index): \(found.sentence)")
            }
            try write(good, to: archive.path)
        }
        try FileManager.default.removeItem(atPath: path)
        #expect(try report().end == .missing(lines: 2))
    }

    @Test func `whatever a kill leaves of a rotation, nothing is lost and the next opening goes on`() async throws {
        try await makeLog(path, lines: 4, signing: signer.signing)
        let archive = folder.file("audit.jsonl.000000000001-000000000004")
        let old = try bytes(path)
        let checkpoint = try bytes(path + ".checkpoint")
        let (log, _) = try AuditLog.open(path: path, signing: signer.signing, layout: .sample)
        _ = try await log.rotate()
        await log.close()
        let new = try bytes(path)
        // Killed after the rename; after the new file was made; while its first line was written; before its
        // checkpoint.
        for present in [nil, [], Array(new[..<40]), Array(new.dropLast()), new] {
            try FileManager.default.removeItem(atPath: path)
            if let present { try write(present, to: path) }
            try write(checkpoint, to: path + ".checkpoint")
            let killed = try AuditVerifier.verify(
                path: path,
                layout: .sample,
                toleratesUnfinishedEnd: true,
                verify: signer.signing.verify
            )
            #expect(killed.isIntact, "\(present?.count ?? -1) bytes: \(killed.sentence)")
            let strict = try report()
            #expect(strict.isIntact == (present?.isEmpty ?? true), "\(strict.sentence)")
            #expect(try await makeLog(path, lines: 1, signing: signer.signing).sequence == 5)
            #expect(try bytes(archive) == old)
            let found = try report()
            #expect(found.isIntact && found.lines == 6, "\(found.sentence)")
        }
    }

    @Test func `a rotation that cannot be done leaves the log as it was`() async throws {
        let (log, _) = try AuditLog.open(path: path, signing: signer.signing, layout: .sample)
        await #expect(throws: AuditError.empty(path: path)) { try await log.rotate() }
        try await log.append(sampleRecord(0))
        try write([], to: folder.file("audit.jsonl.000000000001-000000000001"))
        await #expect(throws: AuditError.self) { try await log.rotate() }
        #expect(log.isHealthy)
        try FileManager.default.removeItem(atPath: folder.file("audit.jsonl.000000000001-000000000001"))
        #expect(try await log.append(sampleRecord(1)) == 2)
        #expect(try await log.rotate().last == 2)
        await log.close()
        #expect(try report().lines == 3)
    }

    @Test func `a log and checkpoint that vanish beside closed files are missed`() async throws {
        let archives = try await makeArchives()
        for name in ["audit.jsonl", "audit.jsonl.checkpoint"] {
            try FileManager.default.removeItem(atPath: folder.file(name))
        }
        #expect(try !report().isIntact)
        #expect(throws: AuditError.self) { try AuditLog.open(path: path, signing: signer.signing, layout: .sample) }
        let (log, opening) = try AuditLog.open(
            path: path,
            signing: signer.signing,
            layout: .sample,
            acceptsMissingCheckpoint: true
        )
        await log.close()
        // The line of the rotation and the one of the acceptance.
        #expect(opening.sequence == archives[2].last + 2)
        #expect(try report().isIntact)
    }
}
