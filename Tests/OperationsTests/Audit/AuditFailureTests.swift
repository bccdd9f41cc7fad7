internal import Foundation
internal import OwnThread
internal import Synchronization
internal import SystemErrors
internal import TemporaryFolders
internal import Testing

@testable import Operations

@Suite(.ownThread) struct AuditFailureTests {
    let folder: TemporaryFolder
    let signer = TestSigner()
    var path: String { folder.file("audit.jsonl") }

    init() throws { folder = try TemporaryFolder() }

    /// Opens a log whose files can be made to fail: the last opened log file and checkpoint file.
    private func open() throws -> (AuditLog, () throws -> FaultyFile, () throws -> FaultyFile) {
        let files = Box()
        let (log, _) = try AuditLog.open(
            path: path,
            signing: signer.signing,
            layout: .sample,
            acceptsMissingCheckpoint: false
        ) { path, appends throws(SystemError) in
            let file = FaultyFile(try AuditDiskFile(path: path, appends: appends))
            files.contents.withLock { if appends { $0.log = file } else { $0.checkpoint = file } }
            return file
        }
        return (
            log, { try #require(files.contents.withLock { $0.log }) },
            { try #require(files.contents.withLock { $0.checkpoint }) }
        )
    }

    private final class Box: Sendable {
        struct Files {
            var log: FaultyFile?
            var checkpoint: FaultyFile?
        }
        let contents = Mutex(Files())
    }

    @Test func `a full disk closes the log, leaves no half line, and reopening mends it`() async throws {
        let (log, file, _) = try open()
        try await log.append(sampleRecord(0))
        let whole = try bytes(path)
        try file().plan.withLock { $0.room = 100 }
        await #expect(throws: AuditError.self) { try await log.append(sampleRecord(1)) }
        #expect(!log.isHealthy)
        #expect(try bytes(path) == whole)
        // Room again, but not reopened: still closed.
        try file().plan.withLock { $0.room = nil }
        await #expect { try await log.append(sampleRecord(1)) } throws: { error in
            guard case .failed(let found, let cause) = error as? AuditError else { return false }
            return found == path && cause.contains("No space left")
        }
        try await log.reopen()
        #expect(log.isHealthy)
        #expect(try await log.append(sampleRecord(1)) == 2)
        await log.close()
        #expect(try AuditVerifier.verify(path: path, layout: .sample, verify: signer.signing.verify).lines == 2)
    }

    @Test func `a failed sync closes the log and takes the line back`() async throws {
        let (log, file, _) = try open()
        try await log.append(sampleRecord(0))
        let whole = try bytes(path)
        try file().plan.withLock { $0.failsSync = true }
        await #expect(throws: AuditError.self) { try await log.append(sampleRecord(1)) }
        #expect(!log.isHealthy)
        #expect(try bytes(path) == whole)
    }

    @Test func `when even cutting back fails, reopening cuts the half line`() async throws {
        let (log, file, _) = try open()
        try await log.append(sampleRecord(0))
        let whole = try bytes(path)
        try file().plan.withLock { ($0.room, $0.failsTruncate) = (100, true) }
        await #expect(throws: AuditError.self) { try await log.append(sampleRecord(1)) }
        #expect(try bytes(path).count == whole.count + 100)
        #expect(try await log.reopen() == AuditOpening(sequence: 1, cutBytes: 100))
        #expect(try bytes(path) == whole)
        await log.close()
    }

    @Test func `a checkpoint that cannot be written or signed closes the log`() async throws {
        let (log, _, checkpoint) = try open()
        try checkpoint().plan.withLock { $0.failsCheckpoint = true }
        await #expect(throws: AuditError.self) { try await log.append(sampleRecord(0)) }
        #expect(!log.isHealthy)
        await log.close()

        var signing = signer.signing
        struct NoKey: Error {}
        let (second, _) = try AuditLog.open(path: path, signing: signing, layout: .sample)
        await second.close()
        signing.sign = { _ in throw NoKey() }
        #expect(throws: AuditError.self) { try AuditLog.open(path: path, signing: signing, layout: .sample) }
    }

    @Test func `every append that waits behind a failure fails`() async throws {
        let (log, file, _) = try open()
        try file().plan.withLock { $0.failsSync = true }
        let failures = await withTaskGroup(of: Bool.self) { group in
            for index in 0..<100 {
                group.addTask { (try? await log.append(sampleRecord(index))) == nil }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(failures == 100)
        #expect(try bytes(path).isEmpty)
    }

    @Test func `appends that come together share a sync`() async throws {
        let (log, file, _) = try open()
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<400 { group.addTask { _ = try? await log.append(sampleRecord(index)) } }
        }
        let syncs = try file().plan.withLock { $0.syncs }
        await log.close()
        #expect(syncs < 400, "each of 400 appends was synced on its own")
        #expect(try AuditVerifier.verify(path: path, layout: .sample).lines == 400)
    }

    @Test func `a log that was moved away or written by another hand is noticed`() async throws {
        let (log, _, _) = try open()
        try await log.append(sampleRecord(0))
        try FileManager.default.moveItem(atPath: path, toPath: path + ".1")
        try FileManager.default.moveItem(atPath: path + ".checkpoint", toPath: path + ".1.checkpoint")
        await #expect(throws: AuditError.self) { try await log.append(sampleRecord(1)) }
        // Without the files this process would begin anew behind the line that it acknowledged.
        await #expect { try await log.reopen() } throws: { error in
            (error as? AuditError)?.isTampering == true && "\(error)".contains("acknowledged line 1")
        }
        for name in ["", ".checkpoint"] {
            try? FileManager.default.removeItem(atPath: path + name)
            try FileManager.default.copyItem(atPath: path + ".1" + name, toPath: path + name)
        }
        #expect(try await log.reopen() == AuditOpening(sequence: 1))
        try await log.append(sampleRecord(1))
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data("forged\n".utf8))
        try handle.close()
        await #expect(throws: AuditError.self) { try await log.append(sampleRecord(2)) }
        #expect(!log.isHealthy)
        await #expect(throws: AuditError.self) { try await log.reopen() }
        await log.close()
        #expect(try AuditVerifier.verify(path: path + ".1", layout: .sample, verify: signer.signing.verify).isIntact)
    }
}
