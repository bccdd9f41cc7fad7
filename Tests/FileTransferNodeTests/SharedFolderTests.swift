internal import Cryptography
internal import Foundation
internal import OwnThread
internal import TemporaryFolders
internal import Testing

@testable import FileTransfer
@testable import FileTransferNode

/// Two sessions that receive into one folder at the same time.
@Suite("Sessions that share a folder", .ownThread)
struct SharedFolderTests {
    private let folder: TemporaryFolder
    private let claims = PathClaims()
    private let one: DiskSink

    init() throws {
        folder = try TemporaryFolder()
        one = try DiskSink(into: folder.path, options: DiskSink.Options(), claims: claims, place: 0, mostOpen: 4)
    }

    /// That of another session.
    private func other() throws -> DiskSink {
        try DiskSink(into: folder.path, options: DiskSink.Options(), claims: claims, place: 1, mostOpen: 4)
    }

    private static func entry(_ path: String, size: Int, mode: UInt32 = 0o644, number: UInt32 = 0) -> TransferEntry {
        TransferEntry(
            number: number,
            kind: .file,
            mode: mode,
            seconds: 1,
            nanoseconds: 0,
            size: UInt64(size),
            path: Array(path.utf8)
        )
    }

    private func isBusy(_ body: () throws -> Void) -> Bool {
        do {
            try body()
            return false
        } catch { return "\(error)".contains("another machine is sending it") }
    }

    @Test func `a file that one of them receives is refused to the other one, until it is there`() throws {
        let content = SampleFile.bytes(300_000)
        let entry = Self.entry("x", size: content.count)
        #expect(try one.begin(entry) == .missing)
        #expect(isBusy { _ = try other().begin(entry) })
        // Small files and links of that name, too.
        #expect(isBusy { _ = try other().begin(Self.entry("x", size: 1)) })
        var link = Self.entry("x", size: 0)
        link.kind = .symbolicLink
        link.target = [65]
        #expect(isBusy { _ = try other().begin(link) })
        try SampleFile.write(0..<2, of: content, to: one)
        try one.finish(entry)
        #expect(try bytes(folder.file("x")) == content)
    }

    @Test func `a file whose name is the name of another one's part is refused`() throws {
        let long = String(repeating: "n", count: 245)
        let part = String(
            decoding: PartFile.names(of: Array(long.utf8)).part.dropLast(PartFile.suffix.count),
            as: UTF8.self
        )
        let content = SampleFile.bytes(300_000)
        let entry = Self.entry(long, size: content.count)
        #expect(try one.begin(entry) == .missing)
        try SampleFile.write(0..<1, of: content, to: one)
        #expect(isBusy { _ = try other().begin(Self.entry(part, size: 100_000)) })
        #expect(isBusy { _ = try other().begin(Self.entry(part, size: 10)) })
        try SampleFile.write(1..<2, of: content, to: one)
        try one.finish(entry)
        #expect(try bytes(folder.file(long)) == content)
    }

    @Test func `a small file that takes the new name of a large one after both began does not harm it`() throws {
        let content = SampleFile.bytes(300_000)
        try write([1], to: folder.file("x"))
        one.conflicts = .rename
        // Begun before there is a claim.
        let two = try other()
        let small = Self.entry("x (2)", size: 1, mode: 0)
        #expect(try two.begin(small) == .missing)
        let entry = Self.entry("x", size: content.count)
        #expect(try one.begin(entry) == .missing)
        try SampleFile.write(0..<1, of: content, to: one)
        #expect(isBusy { try two.make([7], as: small) })
        try SampleFile.write(1..<2, of: content, to: one)
        try one.finish(entry)
        #expect(try bytes(folder.file("x (2)")) == content)
    }

    @Test func `what one of them leaves unfinished is free for the other one when it is gone`() throws {
        let entry = Self.entry("x", size: 300_000)
        var first: DiskSink? = try other()
        #expect(try first?.begin(entry) == .missing)
        first = nil
        #expect(try one.begin(entry) == .missing)
    }

    @Test func `each has a list of small files of its own, and neither removes the other one's files`() throws {
        let two = try other()
        let entries = [Self.entry("a", size: 1), Self.entry("b", size: 1)]
        _ = try one.begin(entries[0])
        _ = try two.begin(entries[1])
        try one.make([1], as: entries[0])
        try two.make([2], as: entries[1])
        #expect(try bytes(folder.file(".courier-batch")) == Array("a\0".utf8))
        #expect(try bytes(folder.file(".courier-batch-1")) == Array("b\0".utf8))
        // A process that was killed leaves both, with a file that has no permissions yet.
        try write([], to: folder.file("c"))
        try write(Array("c\0".utf8), to: folder.file(".courier-batch-1"))
        chmod(folder.file("c"), 0)
        try SmallFileBatch.removeUnfinished(in: folder.path, places: FileReceiving.mostPlaces)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["a", "b"])
        #expect(throws: FileFault.self) { _ = try one.begin(Self.entry(".courier-batch-1", size: 1, number: 5)) }
    }
}
