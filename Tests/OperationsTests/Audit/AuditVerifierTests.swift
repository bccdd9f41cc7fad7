internal import Files
internal import Foundation
internal import Operations
internal import OwnThread
internal import TemporaryFolders
internal import Testing

@Suite(.ownThread) struct AuditVerifierTests {
    let folder: TemporaryFolder
    let signer = TestSigner()
    var path: String { folder.file("audit.jsonl") }

    init() throws { folder = try TemporaryFolder() }

    private func report(_ content: [UInt8]) throws -> AuditReport {
        try write(content, to: path)
        return try AuditVerifier.verify(path: path, layout: .sample, verify: signer.signing.verify)
    }

    @Test func `every single bit that is flipped is found, at its line`() async throws {
        // A quick stand-in for the signature: 10 000 files are verified here.
        let signing = AuditSigning(
            endpointID: "PP-TEST",
            sign: { _ in [7] },
            verify: { _, _, signature in signature == [7] }
        )
        let (log, _) = try AuditLog.open(path: path, signing: signing, layout: .sample)
        for _ in 0..<2 { try await log.append(AuditRecord("peer_paired")) }
        await log.close()
        let good = try bytes(path)
        #expect(try AuditVerifier.verify(path: path, layout: .sample, verify: signing.verify).isIntact)
        var line: Int64 = 1
        for index in good.indices {
            // Other tests share this thread.
            await Task.yield()
            for bit in 0..<8 {
                var changed = good
                changed[index] ^= 1 << UInt8(bit)
                try write(changed, to: path)
                let report = try AuditVerifier.verify(path: path, layout: .sample, verify: signing.verify)
                #expect(!report.isIntact, "byte \(index) bit \(bit)")
                #expect(report.flaw?.line == line, "byte \(index) bit \(bit): \(report.sentence)")
            }
            if good[index] == UInt8(ascii: "\n") { line += 1 }
        }
    }

    @Test func `every line that is removed is found`() async throws {
        try await makeLog(path, lines: 6, signing: signer.signing)
        let lines = splitLines(try bytes(path))
        for index in lines.indices {
            var rest = lines
            rest.remove(at: index)
            let report = try report(Array(rest.joined()))
            #expect(!report.isIntact)
            if index < lines.count - 1 {
                #expect(report.flaw?.line == Int64(index + 1))
                #expect(report.sentence.contains("removed"))
            } else {
                #expect(report.end == .missing(lines: 1))
            }
        }
        #expect(try report([]).end == .missing(lines: 6))
    }

    @Test func `every two lines that are swapped, and every repeated line, are found`() async throws {
        try await makeLog(path, lines: 5, signing: signer.signing)
        let lines = splitLines(try bytes(path))
        for first in lines.indices {
            for second in lines.indices where second > first {
                var swapped = lines
                swapped.swapAt(first, second)
                #expect(try report(Array(swapped.joined())).flaw?.line == Int64(first + 1))
            }
            var repeated = lines
            repeated.insert(lines[first], at: first)
            #expect(try report(Array(repeated.joined())).flaw?.line == Int64(first + 2))
        }
    }

    @Test func `a file cut at any byte is found`() async throws {
        try await makeLog(path, lines: 2, signing: signer.signing)
        let good = try bytes(path)
        for length in 0..<good.count {
            #expect(!(try report(Array(good[..<length])).isIntact), "cut to \(length) bytes")
        }
    }

    @Test func `a changed line whose hash was set right in the next is found at the line after`() async throws {
        try await makeLog(path, lines: 4, signing: signer.signing)
        var lines = splitLines(try bytes(path))
        let changed = Array(String(decoding: lines[1], as: UTF8.self).replacing("granted\"", with: "refused\"").utf8)
        #expect(changed != lines[1])
        let third = try AuditLine(parsing: lines[2].dropLast()[...], layout: .sample)
        let mended = AuditLine(
            sequence: third.sequence,
            previousHash: AuditLine.hash(of: changed.dropLast()[...]),
            record: third.record,
            layout: .sample
        )
        (lines[1], lines[2]) = (changed, mended.encoded() + [10])
        #expect(try report(Array(lines.joined())).flaw?.line == 3)
    }

    @Test func `a chain rewritten to its end is found by the checkpoint`() async throws {
        try await makeLog(path, lines: 4, signing: signer.signing)
        var hash = AuditLine.noHash
        var forged: [UInt8] = []
        for index in 0..<4 {
            var record = sampleRecord(index)
            record[text: "reason"] = "forged"
            let line = AuditLine(sequence: Int64(index + 1), previousHash: hash, record: record, layout: .sample)
                .encoded()
            hash = AuditLine.hash(of: line[...])
            forged += line + [10]
        }
        let report = try report(forged)
        #expect(report.flaw?.line == 4)
        #expect(report.sentence.contains("checkpoint"))
    }

    @Test func `a line longer than 64 KiB, an empty line and foreign bytes are flaws with a sentence`() async throws {
        try await makeLog(path, lines: 2, signing: signer.signing)
        let good = try bytes(path)
        let long = [UInt8](repeating: UInt8(ascii: "x"), count: 200_000)
        for (tail, word) in [
            (long, "longer"), ([10], "empty"), ([0xff, 0xfe, 10], "JSON"), (Array("{}\n".utf8), "timestamp"),
        ] {
            let flaw = try #require(try report(good + tail).flaw)
            #expect(flaw.line == 3 && flaw.problem.contains(word), "\(flaw)")
        }
    }

    @Test func `a missing or foreign checkpoint is reported`() async throws {
        try await makeLog(path, lines: 2, signing: signer.signing)
        let foreign = try AuditVerifier.verify(path: path, layout: .sample, verify: TestSigner().signing.verify)
        #expect(!foreign.isIntact && foreign.flaw == nil)
        try FileManager.default.removeItem(atPath: path + ".checkpoint")
        let missing = try AuditVerifier.verify(path: path, layout: .sample, verify: signer.signing.verify)
        #expect(!missing.isIntact && missing.sentence.contains("no checkpoint"))
        #expect(try AuditVerifier.verify(path: path, layout: .sample).isIntact)
    }

    @Test func `a log can be verified while it is written`() async throws {
        let (log, _) = try AuditLog.open(path: path, signing: signer.signing, layout: .sample)
        try await log.append(sampleRecord(0))
        let good = try bytes(path)
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data("{\"tim".utf8))
        let report = try AuditVerifier.verify(path: path, layout: .sample, verify: signer.signing.verify)
        #expect(report.isIntact && report.lines == 1 && report.unfinishedBytes == 5)
        try handle.truncate(atOffset: UInt64(good.count))
        await log.close()
    }

    @Test func `a log that is not there is an error with a remedy`() {
        #expect { try AuditVerifier.verify(path: path, layout: .sample) } throws: {
            ($0 as? FileError)?.remedy.isEmpty == false
        }
    }
}
