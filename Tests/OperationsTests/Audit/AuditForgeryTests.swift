internal import Foundation
internal import Operations
internal import OwnThread
internal import Synchronization
internal import TemporaryFolders
internal import Testing

/// A hand on the disk, without the key: nothing that it adds or takes away may pass.
@Suite(.ownThread) struct AuditForgeryTests {
    let folder: TemporaryFolder
    let signer = TestSigner()
    var path: String { folder.file("audit.jsonl") }

    init() throws { folder = try TemporaryFolder() }

    private func report() throws -> AuditReport {
        try AuditVerifier.verify(path: path, layout: .sample, verify: signer.signing.verify)
    }

    /// A line that chains after `previous`, made without the key.
    private func forged(_ sequence: Int64, after previous: String, _ event: String = "session_granted") -> [UInt8] {
        let record = AuditRecord(event, endpointID: "PP-TEST-ENDPOINT", reason: "forged")
        return AuditLine(sequence: sequence, previousHash: previous, record: record, layout: .sample).encoded() + [10]
    }

    private func lastHash() throws -> String {
        AuditLine.hash(of: try #require(splitLines(try bytes(path)).last).dropLast()[...])
    }

    private func append(_ more: [UInt8]) throws {
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(more))
        try handle.close()
    }

    @Test func `a file that begins with an invented rotation is found, wherever its numbers begin`() async throws {
        try await makeLog(path, lines: 5, signing: signer.signing)
        let good = try bytes(path)
        for sequence: Int64 in [2, 5, 6, 7, 100, 1_000_000] {
            let line = forged(sequence, after: String(repeating: "a", count: 64), AuditArchive.rotatedEvent)
            let next = forged(sequence + 1, after: AuditLine.hash(of: line.dropLast()[...]))
            for content in [line, line + next, line + next + good] {
                try write(content, to: path)
                let found = try report()
                #expect(!found.isIntact, "from line \(sequence): \(found.sentence)")
                for accepts in [false, true] {
                    #expect(throws: AuditError.self, "from line \(sequence)") {
                        try AuditLog.open(
                            path: path,
                            signing: signer.signing,
                            layout: .sample,
                            acceptsMissingCheckpoint: accepts
                        )
                    }
                }
            }
        }
    }

    /// Removes the last line, and lets `spoil` hide that in the checkpoint's newer slot.
    private func shorten(hiding spoil: (inout [UInt8], _ newer: Range<Int>, _ older: Range<Int>) -> Void) throws {
        let before = try bytes(path + ".checkpoint")
        var checkpoint = before
        let text = (0..<2).map { String(decoding: checkpoint[$0 * 4096..<($0 + 1) * 4096], as: UTF8.self) }
        let numbers = try text.map { try #require(Int64($0.split(separator: " ")[2])) }
        let newer = numbers[0] > numbers[1] ? 0 : 1
        spoil(&checkpoint, newer * 4096..<(newer + 1) * 4096, (1 - newer) * 4096..<(2 - newer) * 4096)
        try write(checkpoint, to: path + ".checkpoint")
        try write(Array(splitLines(try bytes(path)).dropLast().joined()), to: path)
    }

    /// The ways to make the older slot look like the last word.
    private static let spoilings: [(String, @Sendable (inout [UInt8], Range<Int>, Range<Int>) -> Void)] = [
        ("zeros", { bytes, newer, _ in bytes.replaceSubrange(newer, with: repeatElement(0, count: newer.count)) }),
        ("a flipped bit", { bytes, newer, _ in bytes[newer.lowerBound + 30] ^= 1 }),
        ("the older slot", { bytes, newer, older in bytes.replaceSubrange(newer, with: bytes[older]) }),
        ("nothing", { bytes, newer, older in bytes = older.lowerBound == 0 ? Array(bytes[older]) : bytes }),
    ]

    @Test(arguments: spoilings.indices)
    func `a last line that is cut off with its slot of the checkpoint is missed, and repaired only by name`(
        _ index: Int
    ) async throws {
        let (name, spoil) = Self.spoilings[index]
        // The newer slot is the first with one number of lines and the second with the next.
        for lines in [4, 5] {
            for name in ["", ".checkpoint"] { try? FileManager.default.removeItem(atPath: path + name) }
            let (log, _) = try AuditLog.open(path: path, signing: signer.signing, layout: .sample)
            for index in 0..<lines { try await log.append(sampleRecord(index)) }
            // As a kill leaves it: closing signs both slots anew.
            let left = try (bytes(path), bytes(path + ".checkpoint"))
            await log.close()
            try write(left.0, to: path)
            try write(left.1, to: path + ".checkpoint")
            #expect(try report().isIntact)
            try shorten(hiding: spoil)
            let found = try report()
            #expect(!found.isIntact, "\(name): \(found.sentence)")
            #expect(throws: AuditError.self, "\(name)") {
                try AuditLog.open(path: path, signing: signer.signing, layout: .sample)
            }
        }
    }

    @Test func `a damaged slot beside whole lines is reported, and a log that is opened by name says so`() async throws
    {
        try await makeLog(path, lines: 3, signing: signer.signing)
        let good = try (bytes(path), bytes(path + ".checkpoint"))
        for slot in 0..<2 {
            var torn = good.1
            for index in slot * 4096 + 100..<(slot + 1) * 4096 { torn[index] = 0 }
            try write(good.0, to: path)
            try write(torn, to: path + ".checkpoint")
            let found = try report()
            #expect(!found.isIntact && found.sentence.contains("slots is damaged"), "\(found.sentence)")
            #expect { try AuditLog.open(path: path, signing: signer.signing, layout: .sample) } throws: { error in
                guard case .unconfirmed(_, let problem) = error as? AuditError else { return false }
                return problem.contains("is damaged")
            }
            let (log, opening) = try AuditLog.open(
                path: path,
                signing: signer.signing,
                layout: .sample,
                acceptsMissingCheckpoint: true
            )
            #expect(opening.accepted?.contains("is damaged") == true && opening.sequence == 4)
            await log.close()
            #expect(try report().isIntact)
        }
    }

    @Test func `a line appended behind the back of a running log is never signed`() async throws {
        let (log, _) = try AuditLog.open(path: path, signing: signer.signing, layout: .sample)
        for index in 0..<3 { try await log.append(sampleRecord(index)) }
        let good = try bytes(path)
        try append(forged(4, after: try lastHash()))
        // A running writer binds its lines in a moment; nothing binds this one.
        let found = try report()
        #expect(found.end == .unbound(lines: 1), "\(found.sentence)")
        await #expect(throws: AuditError.self) { try await log.append(sampleRecord(3)) }
        for _ in 0..<2 {
            await #expect { try await log.reopen() } throws: { ($0 as? AuditError)?.isTampering == true }
            #expect(log.refusal?.isTampering == true)
            await #expect(throws: AuditError.self) { try await log.append(sampleRecord(3)) }
        }
        #expect(try report().end == .unbound(lines: 1))
        // Put back as it was, it goes on.
        try write(good, to: path)
        #expect(try await log.reopen() == AuditOpening(sequence: 3))
        #expect(try await log.append(sampleRecord(3)) == 4)
        await log.close()
        #expect(try report().isIntact)
    }

    @Test
    func `a running log whose last line is cut off, with or without the checkpoint, does not use its number again`()
        async throws
    {
        let (log, _) = try AuditLog.open(path: path, signing: signer.signing, layout: .sample)
        for index in 0..<3 { try await log.append(sampleRecord(index)) }
        let older = try (bytes(path), bytes(path + ".checkpoint"))
        try await log.append(sampleRecord(3))
        let good = try (bytes(path), bytes(path + ".checkpoint"))
        for checkpoint in [good.1, older.1]
            + Self.spoilings.map({ _, spoil in
                var bytes = good.1
                spoil(&bytes, 0..<4096, 4096..<8192)
                return bytes
            })
        {
            try write(older.0, to: path)
            try write(checkpoint, to: path + ".checkpoint")
            await #expect(throws: AuditError.self) { try await log.append(sampleRecord(4)) }
            await #expect { try await log.reopen() } throws: { ($0 as? AuditError)?.isTampering == true }
            #expect(!log.isHealthy)
        }
        try write(good.0, to: path)
        try write(good.1, to: path + ".checkpoint")
        #expect(try await log.reopen() == AuditOpening(sequence: 4))
        #expect(try await log.append(sampleRecord(4)) == 5)
        await log.close()
        #expect(try report().isIntact)
    }

    @Test(arguments: [true, false])
    func `a checkpoint file that is put in another's place or removed closes the running log, and nothing is lost`(
        isReplaced: Bool
    ) async throws {
        let (log, _) = try AuditLog.open(path: path, signing: signer.signing, layout: .sample)
        for index in 0..<3 { try await log.append(sampleRecord(index)) }
        let checkpoint = path + ".checkpoint"
        let older = try bytes(checkpoint)
        try await log.append(sampleRecord(3))
        let good = try bytes(checkpoint)
        try FileManager.default.removeItem(atPath: checkpoint)
        if isReplaced { try write(older, to: checkpoint) }
        for _ in 0..<2 {
            await #expect(throws: AuditError.self) { try await log.append(sampleRecord(4)) }
            await #expect { try await log.reopen() } throws: { ($0 as? AuditError)?.isTampering == true }
            #expect(log.refusal?.isTampering == true)
        }
        await #expect(throws: AuditError.self) { try await log.rotate() }
        // A copy of what was signed last takes nothing away, and from then on is the one that is written.
        try FileManager.default.removeItem(atPath: checkpoint)
        try write(good, to: checkpoint)
        #expect(try await log.reopen() == AuditOpening(sequence: 4))
        #expect(try await log.append(sampleRecord(4)) == 5)
        let left = try (bytes(path), bytes(checkpoint))
        await log.close()
        // As a kill would have left it.
        try write(left.0, to: path)
        try write(left.1, to: checkpoint)
        let (again, opening) = try AuditLog.open(path: path, signing: signer.signing, layout: .sample)
        #expect(opening == AuditOpening(sequence: 5))
        await again.close()
        #expect(try report().isIntact)
    }

    @Test func `lines that no signature binds are not counted, although a newer one came while the log was read`()
        async throws
    {
        let (log, _) = try AuditLog.open(path: path, signing: signer.signing, layout: .sample)
        let checkpoint = AuditCheckpoint.path(ofLog: path)
        var checkpoints: [Int64: [UInt8]] = [:]
        for index in 0..<113 {
            let sequence = try await log.append(sampleRecord(index))
            checkpoints[sequence] = try bytes(checkpoint)
        }
        await log.close()
        let lines = try bytes(path).split(separator: UInt8(ascii: "\n")).map { $0 + [UInt8(ascii: "\n")] }
        let last = Int64(lines.count)
        // As a writer leaves it between a write and its signature.
        try write(lines.dropLast(8).flatMap { $0 }, to: path)
        try write(try #require(checkpoints[last - 13]), to: checkpoint)
        let writer = Mutex<AuditDiskFile?>(try AuditDiskFile(path: path, appends: true))
        try writer.withLock { try $0?.lock() }
        let newer = try #require(checkpoints[last - 3])
        let reads = Atomic(0)
        let report = try AuditVerifier.verify(path: path, layout: .sample) { endpoint, message, signature in
            // While the checkpoint is read for the second time, the writer signs a line beyond those that were read,
            // and ends; what follows that line was never signed.
            if reads.add(1, ordering: .relaxed).newValue == 3 {
                try? self.append(lines.suffix(8).flatMap { $0 })
                try? write(newer, to: checkpoint)
                writer.withLock { $0 = nil }
            }
            return self.signer.signing.verify(endpoint, message, signature)
        }
        #expect(report.isIntact && report.lines == last - 3, "\(report.sentence)")
    }

    @Test func `a log that is written without a pause is whole whenever it is verified`() async throws {
        let (log, _) = try AuditLog.open(path: path, signing: signer.signing, layout: .sample)
        let writing = Task {
            var index = 0
            while !Task.isCancelled {
                _ = try? await log.append(sampleRecord(index))
                index += 1
                if index.isMultiple(of: 3) { _ = try? await log.rotate() }
            }
        }
        for _ in 0..<20 {
            let found = try report()
            #expect(found.isIntact, "\(found.sentence)")
            await Task.yield()
        }
        writing.cancel()
        await writing.value
        await log.close()
        #expect(try report().isIntact)
    }
}
