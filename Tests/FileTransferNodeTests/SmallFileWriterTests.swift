internal import Files
internal import Foundation
internal import OwnThread
internal import SystemErrors
internal import TemporaryFolders
internal import Testing

@testable import FileTransfer
@testable import FileTransferNode

/// Small files are made on another thread.
@Suite("Small files on their way to the disk", .ownThread)
struct SmallFileWriterTests {
    private static func entry(_ path: String, _ number: UInt32, _ kind: TransferEntry.Kind = .file) -> TransferEntry {
        TransferEntry(
            number: number,
            kind: kind,
            mode: kind == .folder ? 0o755 : 0o640,
            seconds: 1_700_000_000,
            nanoseconds: 5,
            size: kind == .folder ? 0 : 2,
            path: Array(path.utf8),
            target: []
        )
    }

    private static func job(_ number: Int, _ name: String) -> SmallFileWriter.Job {
        SmallFileWriter.Job(
            entry: UInt32(number),
            path: Array(name.utf8),
            bytes: [1, 2],
            mode: 0o640,
            seconds: 1_700_000_000,
            nanoseconds: 5,
            replaces: false
        )
    }

    private func names(_ folder: TemporaryFolder) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    }

    @Test func `each file is made once, in order, and each failure is its own`() throws {
        let folder = try TemporaryFolder()
        try write([7], to: folder.file("taken"))
        let writer = try SmallFileWriter(in: FolderTree(OpenFolder.open(folder.path)), isDurable: false)
        for (number, name) in ["a", "taken", "gone/x", "b"].enumerated() { writer.add(Self.job(number, name)) }
        writer.finishAll()
        #expect(writer.hasMade)
        let made = writer.takeMade()
        #expect(made.map(\.entry) == [0, 1, 2, 3])
        #expect(made.map { $0.error?.code } == [nil, EEXIST, ENOENT, nil])
        #expect(writer.pending == 0 && !writer.hasMade)
        #expect(try names(folder) == ["a", "b", "taken"])
        #expect(try bytes(folder.file("taken")) == [7])
        let status = try #require(try OpenFolder.open(folder.path).status(of: Array("b".utf8)))
        #expect(status.mode == 0o640 && status.modified == 1_700_000_000 && status.modifiedNanoseconds == 5)
    }

    @Test func `when it has stopped no file is being made, and none is incomplete`() throws {
        for _ in 0..<20 {
            let folder = try TemporaryFolder()
            let writer = try SmallFileWriter(in: FolderTree(OpenFolder.open(folder.path)), isDurable: false)
            for number in 0..<500 { writer.add(Self.job(number, "\(number)")) }
            writer.stop()
            let made = try names(folder)
            #expect(made.count <= 500)
            for name in made {
                let status = try #require(try OpenFolder.open(folder.path).status(of: Array(name.utf8)))
                #expect(status.mode == 0o640 && status.size == 2)
            }
            #expect(try names(folder) == made)
        }
    }

    @Test func `the list names all files that are being made, and begins anew when there are none`() throws {
        let folder = try TemporaryFolder()
        let tree = FolderTree(try OpenFolder.open(folder.path))
        let writer = try SmallFileWriter(in: tree, isDurable: false)
        let batch = SmallFileBatch(in: tree, place: 0)
        func list() throws -> [String] {
            try bytes(folder.file(".courier-batch")).split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        }
        for number in 0..<3_000 { batch.expect(Array("\(number)".utf8)) }
        try batch.begin(Array("0".utf8), before: writer)
        #expect(try list() == (0..<1_024).map { "\($0)" })
        // One is being made, as far as this thread knows.
        writer.add(Self.job(0, "0"))
        for number in 1..<1_024 { try batch.begin(Array("\(number)".utf8), before: writer) }
        #expect(try list().count == 1_024)
        try batch.begin(Array("1024".utf8), before: writer)
        #expect(try Set(list()) == Set((0..<2_048).map { "\($0)" }))
        writer.finishAll()
        _ = writer.takeMade()
        // Out of order, from a batch that is over.
        try batch.begin(Array("7".utf8), before: writer)
        #expect(try list() == ["7"] + (2_048..<3_000).map { "\($0)" })
        batch.end()
        #expect(try names(folder) == ["0"])
    }

    @Test func `a name at the end of a list that was cut off while it was written is not believed`() throws {
        let folder = try TemporaryFolder()
        for name in ["file", "whole"] {
            try write([], to: folder.file(name))
            chmod(folder.file(name), 0)
        }
        try write(Array("whole\0file".utf8), to: folder.file(".courier-batch"))
        try SmallFileBatch.removeUnfinished(in: folder.path, places: 1)
        #expect(try names(folder) == ["file"])
    }

    @Test func `in a folder that the transfer makes nothing is replaced either`() throws {
        let folder = try TemporaryFolder()
        let sink = try DiskSink(into: folder.path)
        sink.conflicts = .overwrite
        let entries = [
            Self.entry("d", 0, .folder), Self.entry("d/a", 1), Self.entry("d/b", 2), Self.entry("d", 3, .folder),
        ]
        #expect(try entries.map { try sink.begin($0) } == [.complete, .missing, .missing, .complete])
        try write([7], to: folder.file("d/b"))
        try sink.make([1, 2], as: entries[1])
        let fault = #expect(throws: FileFault.self) { try sink.make([1, 2], as: entries[2]) }
        #expect(fault?.code == .exists)
        #expect(try bytes(folder.file("d/b")) == [7])
        while !sink.end() {}
        #expect(try names(folder) == ["d"])
    }

    @Test func `a transfer ends when the last file is made, also one that its sender took back`() throws {
        let folder = try TemporaryFolder()
        let sink = try DiskSink(into: folder.path)
        let entry = Self.entry("a", 0)
        _ = try sink.begin(entry)
        sink.store(([1, 2] as [UInt8]).span.bytes, as: entry)
        #expect(!sink.end())
        while sink.takeStored().isEmpty { usleep(100) }
        #expect(sink.end())
        #expect(try names(folder) == ["a"])
    }
}
