internal import Foundation
internal import Operations
internal import OwnThread
internal import TemporaryFolders
internal import Testing

@Suite(.ownThread) struct AuditExportTests {
    let folder: TemporaryFolder
    var path: String { folder.file("audit.jsonl") }

    init() throws { folder = try TemporaryFolder() }

    @Test func `lines since a moment are copied unchanged`() async throws {
        try await makeLog(path, lines: 5, signing: TestSigner().signing)
        let lines = splitLines(try bytes(path))
        var copy: [UInt8] = []
        let export = try AuditExport.copy(path: path, since: sampleRecord(3).timestamp) { copy += $0 }
        #expect(export == AuditExport(lines: 2))
        #expect(copy == Array(lines[3...].joined()))
    }

    @Test func `damaged lines are copied and counted, an unfinished one is left out`() async throws {
        try await makeLog(path, lines: 1, signing: TestSigner().signing)
        let good = try bytes(path)
        try write(good + Array("damaged\n{\"timest".utf8), to: path)
        var copy: [UInt8] = []
        let export = try AuditExport.copy(path: path, since: Timestamp(microseconds: 0)) { copy += $0 }
        #expect(export == AuditExport(lines: 2, unreadable: 1))
        #expect(copy == good + Array("damaged\n".utf8))
    }

    @Test func `what the sink throws comes out`() async throws {
        try await makeLog(path, lines: 2, signing: TestSigner().signing)
        struct Full: Error {}
        #expect(throws: Full.self) {
            try AuditExport.copy(path: path, since: Timestamp(microseconds: 0)) { _ in throw Full() }
        }
    }

    @Test func `since takes a date, a moment and an age`() throws {
        let now = try #require(Timestamp("2026-01-31T12:00:00Z"))
        #expect(try AuditExport.since("24h", now: now) == Timestamp("2026-01-30T12:00:00Z"))
        #expect(try AuditExport.since("7d", now: now) == Timestamp("2026-01-24T12:00:00Z"))
        #expect(try AuditExport.since("2026-01-01", now: now) == Timestamp("2026-01-01T00:00:00Z"))
        #expect(try AuditExport.since("2026-01-01T02:00:00+02:00", now: now) == Timestamp("2026-01-01T00:00:00Z"))
        for bad in ["", "yesterday", "24", "2026-13-01", "-1d"] {
            #expect(throws: AuditExport.MalformedDate.self) { try AuditExport.since(bad, now: now) }
        }
    }
}
