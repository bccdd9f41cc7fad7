internal import Cryptography
internal import Foundation
internal import OwnThread
internal import TemporaryFolders
internal import Testing

@testable import FileTransfer
@testable import FileTransferNode

@Suite("A folder that receives files", .ownThread)
struct DiskSinkTests {
    private static let length = BLAKE3.Piece.length

    private static func entry(
        _ path: String,
        _ kind: TransferEntry.Kind = .file,
        size: Int = 0,
        mode: UInt32 = 0o640,
        target: String = "",
        number: UInt32 = 0
    ) -> TransferEntry {
        TransferEntry(
            number: number,
            kind: kind,
            mode: mode,
            seconds: 1_234_567_890,
            nanoseconds: 123_456_789,
            size: UInt64(size),
            path: Array(path.utf8),
            target: Array(target.utf8)
        )
    }

    private func names(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    }

    // MARK: Small files

    @Test func `small files, folders and links are made with their modes and times, and nothing else stays`() throws {
        try withFolder { folder in
            let sink = try DiskSink(into: folder.path)
            let entries = [
                Self.entry("d", .folder, mode: 0o550), Self.entry("d/empty", number: 1),
                Self.entry("d/small", size: 3, mode: 0o444, number: 2),
                Self.entry("d/link", .symbolicLink, target: "/nowhere/at all", number: 3),
            ]
            #expect(try entries.map { try sink.begin($0) } == [.complete, .missing, .missing, .complete])
            try sink.make([], as: entries[1])
            try sink.make([1, 2, 3], as: entries[2])
            while !sink.end() {}
            #expect(try names(folder.path) == ["d"])
            #expect(try names(folder.path + "/d") == ["empty", "link", "small"])
            #expect(try bytes(folder.path + "/d/small") == [1, 2, 3])
            #expect(
                try FileManager.default.destinationOfSymbolicLink(atPath: folder.path + "/d/link") == "/nowhere/at all"
            )
            for (path, mode) in [("d", 0o550), ("d/empty", 0o640), ("d/small", 0o444)] {
                let attributes = try FileManager.default.attributesOfItem(atPath: folder.path + "/" + path)
                #expect(attributes[.posixPermissions] as? Int == mode, "\(path)")
                let modified = try #require(attributes[.modificationDate] as? Date)
                #expect(abs(modified.timeIntervalSince1970 - 1_234_567_890.123) < 0.01, "\(path)")
            }
            chmod(folder.path + "/d", 0o700)
            #expect(sink.notices.isEmpty)
        }
    }

    @Test func `names of any bytes are kept`() throws {
        try withFolder { folder in
            let sink = try DiskSink(into: folder.path)
            let odd = TransferEntry(
                number: 0,
                kind: .file,
                mode: 0o600,
                seconds: 0,
                nanoseconds: 0,
                size: 1,
                path: [0xff, 0x0a, 0x80, 0x20]
            )
            _ = try sink.begin(odd)
            try sink.make([9], as: odd)
            let long = Self.entry(String(repeating: "n", count: 255), size: 300_000, number: 1)
            _ = try sink.begin(long)
            let content = SampleFile.bytes(300_000)
            try SampleFile.write(0..<2, of: content, to: sink, entry: 1)
            try sink.finish(long)
            #expect(try bytes(folder.file(String(repeating: "n", count: 255))) == content)
            let entries = try DiskSource([folder.path]).all()
            #expect(entries.contains { $0.path.suffix(4).elementsEqual([0xff, 0x0a, 0x80, 0x20]) })
        }
    }

    @Test(arguments: ["link/x", "file/x", "no/x", "d/link/x"])
    func `nothing is written through a symbolic link, a file or a folder that is not there`(_ path: String) throws {
        try withFolder { folder in
            let inside = folder.file("in")
            let outside = folder.file("out")
            for path in [inside, outside, inside + "/d"] {
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            }
            for link in ["/link", "/d/link"] {
                try FileManager.default.createSymbolicLink(atPath: inside + link, withDestinationPath: outside)
            }
            try write([1], to: inside + "/file")
            for size in [1, 100_000] {
                let sink = try DiskSink(into: inside)
                let entry = Self.entry(path, size: size)
                let fault = #expect(throws: FileFault.self) {
                    _ = try sink.begin(entry)
                    if size == 1 {
                        try sink.make([1], as: entry)
                    } else {
                        try SampleFile.write(0..<1, of: SampleFile.bytes(size), to: sink)
                    }
                }
                #expect(fault?.description.contains(path) == true)
            }
            #expect(try names(outside).isEmpty)
        }
    }

    @Test func `a link that arrives in the same transfer is not followed`() throws {
        try withFolder { folder in
            let inside = folder.file("in")
            let outside = folder.file("out")
            for path in [inside, outside] {
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            }
            let sink = try DiskSink(into: inside)
            #expect(try sink.begin(Self.entry("d", .symbolicLink, target: "../out")) == .complete)
            let file = Self.entry("d/x", size: 1, number: 1)
            #expect(throws: FileFault.self) {
                _ = try sink.begin(file)
                try sink.make([1], as: file)
            }
            #expect(throws: FileFault.self) { _ = try sink.begin(Self.entry("d", .folder, number: 2)) }
            #expect(try names(outside).isEmpty)
        }
    }

    @Test func `a small file that a killed process left incomplete is made again, one of the user's is not touched`()
        throws
    {
        try withFolder { folder in
            var sink: DiskSink? = try DiskSink(into: folder.path)
            let entries = ["a", "b", "c"].enumerated().map { Self.entry($1, size: 2, number: UInt32($0)) }
            for entry in entries { _ = try sink?.begin(entry) }
            try sink?.make([1, 2], as: entries[0])
            // As a process that is killed leaves them: without permissions until they are complete.
            try write([1], to: folder.file("b"))
            chmod(folder.file("b"), 0)
            try write([7], to: folder.file("mine"))
            chmod(folder.file("mine"), 0)
            sink = nil
            let next = try DiskSink(into: folder.path)
            #expect(try names(folder.path) == ["a", "mine"])
            #expect(try entries.map { try next.begin($0) } == [.skipped, .missing, .missing])
            for entry in entries[1...] { try next.make([1, 2], as: entry) }
            while !next.end() {}
            #expect(try names(folder.path) == ["a", "b", "c", "mine"])
        }
    }

    // MARK: Large files

    @Test func `a large file has its name only when it is finished, and its part and journal are gone then`() throws {
        try withFolder { folder in
            let content = SampleFile.bytes(3 * Self.length + 5)
            let entry = Self.entry("f", size: content.count)
            let sink = try DiskSink(into: folder.path)
            #expect(try sink.begin(entry) == .missing)
            #expect(try names(folder.path).isEmpty)
            try SampleFile.write([1, 3, 0, 2], of: content, to: sink)
            #expect(try names(folder.path) == ["f.courier-journal", "f.courier-part"])
            try sink.finish(entry)
            #expect(try names(folder.path) == ["f"])
            #expect(try bytes(folder.file("f")) == content)
            #expect(try mode(folder.file("f")) == 0o640)
            #expect(try DiskSink(into: folder.path).begin(entry) == .skipped)
        }
    }

    private func started(_ start: EntryStart) -> (chunks: [UInt64], isProven: Bool)? {
        switch start {
        case .partial(let chunks): (chunks.numbers, true)
        case .unproven(let chunks): (chunks.numbers, false)
        default: nil
        }
    }

    @Test func `a part is continued at the same boot, and proven first at another one or when asked to`() throws {
        try withFolder { folder in
            let content = SampleFile.bytes(5 * Self.length)
            let entry = Self.entry("f", size: content.count)
            let sink = try DiskSink(into: folder.path)
            _ = try sink.begin(entry)
            try SampleFile.write([0, 3], of: content, to: sink)
            let again = started(try DiskSink(into: folder.path).begin(entry))
            #expect(again?.chunks == [0, 3])
            #expect(again?.isProven == true)
            var options = DiskSink.Options()
            options.rehashes = true
            let rehashing = try DiskSink(into: folder.path, options: options)
            #expect(started(try rehashing.begin(entry))?.isProven == false)
            #expect(try rehashing.value(of: 3, in: 0) == SampleFile.values(content)[3])
            // As another boot would have left it.
            try changeBoot(folder.file("f.courier-journal"))
            let next = try DiskSink(into: folder.path)
            let other = started(try next.begin(entry))
            #expect(other?.chunks == [0, 3])
            #expect(other?.isProven == false)
            // Proven now, and from here on.
            var known = KnownChunks()
            known.add(3, SampleFile.values(content)[3])
            try next.keep(known, of: 0)
            try SampleFile.write([1], of: content, to: next)
            let last = started(try DiskSink(into: folder.path).begin(entry))
            #expect(last?.chunks == [1, 3])
            #expect(last?.isProven == true)
        }
    }

    /// Writes another boot's identity into a journal.
    private func changeBoot(_ path: String) throws {
        var journal = try bytes(path)
        journal[8] ^= 1
        let check = BLAKE3.hash(Array(journal[..<72]).span.bytes)
        journal.replaceSubrange(72..<80, with: check.prefix(8))
        try write(journal, to: path)
    }

    @Test func `any bit that flips in the journal costs its chunk, or all of them, and nothing is taken for verified`()
        throws
    {
        try withFolder { folder in
            let content = SampleFile.bytes(3 * Self.length)
            let entry = Self.entry("f", size: content.count)
            let sink = try DiskSink(into: folder.path)
            _ = try sink.begin(entry)
            try SampleFile.write(0..<3, of: content, to: sink)
            let path = folder.file("f.courier-journal")
            let journal = try bytes(path)
            #expect(journal.count == ChunkJournal.headLength + 3 * ChunkJournal.recordLength)
            for position in 0..<journal.count {
                var damaged = journal
                damaged[position] ^= 1 << UInt8(position % 8)
                try write(damaged, to: path)
                let next = try DiskSink(into: folder.path)
                let start = started(try next.begin(entry))
                if position < ChunkJournal.headLength {
                    #expect(start == nil, "\(position)")
                } else {
                    let record = UInt64((position - ChunkJournal.headLength) / ChunkJournal.recordLength)
                    #expect(start?.chunks == [0, 1, 2].filter { $0 != record }, "\(position)")
                    #expect(next.notices.first?.contains("1 records of its journal are damaged") == true)
                }
            }
            // A record that was cut, and one that is there twice.
            try write(Array(journal.dropLast(7)), to: path)
            #expect(started(try DiskSink(into: folder.path).begin(entry))?.chunks == [0, 1])
            try write(journal + journal.suffix(ChunkJournal.recordLength), to: path)
            #expect(started(try DiskSink(into: folder.path).begin(entry))?.chunks == [0, 1, 2])
        }
    }

    @Test func `a part of another size, or another file in its place, does not count`() throws {
        try withFolder { folder in
            let content = SampleFile.bytes(3 * Self.length)
            let sink = try DiskSink(into: folder.path)
            _ = try sink.begin(Self.entry("f", size: content.count))
            try SampleFile.write(0..<3, of: content, to: sink)
            #expect(try DiskSink(into: folder.path).begin(Self.entry("f", size: content.count + 1)) == .missing)
            let part = folder.file("f.courier-part")
            try write(try bytes(part), to: folder.file("copy"))
            try FileManager.default.removeItem(atPath: part)
            try FileManager.default.moveItem(atPath: folder.file("copy"), toPath: part)
            #expect(try DiskSink(into: folder.path).begin(Self.entry("f", size: content.count)) == .missing)
        }
    }

    @Test func `a chunk that is written over does not count until it is there again`() throws {
        try withFolder { folder in
            let content = SampleFile.bytes(2 * Self.length)
            let entry = Self.entry("f", size: content.count)
            let sink = try DiskSink(into: folder.path)
            _ = try sink.begin(entry)
            try SampleFile.write([0, 1], of: content, to: sink)
            let next = try DiskSink(into: folder.path)
            _ = try next.begin(entry)
            // The disk is full in the middle of it: stood in for by a journal that ends there.
            try SampleFile.write([1], of: content, to: next)
            let path = folder.file("f.courier-journal")
            try write(Array(try bytes(path).dropLast(ChunkJournal.recordLength)), to: path)
            #expect(started(try DiskSink(into: folder.path).begin(entry))?.chunks == [0])
        }
    }

    // MARK: Names that are taken

    @Test(arguments: [100, 100_000])
    func `a name that is taken is refused, skipped, replaced or changed as the user says`(_ size: Int) throws {
        for policy in ConflictPolicy.allCases {
            try withFolder { folder in
                try write([7], to: folder.file("f.tar.gz"))
                try write([7], to: folder.file("f.tar (2).gz"))
                let sink = try DiskSink(into: folder.path)
                sink.conflicts = policy
                let entry = Self.entry("f.tar.gz", size: size)
                #expect(sink.conflicts([entry, Self.entry("other", number: 1)]) == [folder.file("f.tar.gz")])
                guard policy != .refuse else {
                    let fault = #expect(throws: FileFault.self) { _ = try sink.begin(entry) }
                    #expect(fault?.code == .exists)
                    return
                }
                let start = try sink.begin(entry)
                #expect(start == (policy == .skip ? .skipped : .missing))
                if start == .missing {
                    if size == 100 {
                        try sink.make(SampleFile.bytes(size), as: entry)
                    } else {
                        try SampleFile.write([0], of: SampleFile.bytes(size), to: sink)
                        // What is there stays until the new file is verified.
                        #expect(try bytes(folder.file("f.tar.gz")) == [7])
                        try sink.finish(entry)
                    }
                }
                while !sink.end() {}
                let isReplaced = policy == .overwrite
                #expect(try bytes(folder.file("f.tar.gz")) == (isReplaced ? SampleFile.bytes(size) : [7]))
                let all = ["f.tar (2).gz", "f.tar.gz"]
                #expect(
                    try names(folder.path) == (policy == .rename ? ["f.tar (2).gz", "f.tar (3).gz", "f.tar.gz"] : all)
                )
            }
        }
    }

    @Test func `a folder is never replaced, and a file never by a folder`() throws {
        try withFolder { folder in
            try FileManager.default.createDirectory(atPath: folder.file("d"), withIntermediateDirectories: false)
            try write([7], to: folder.file("f"))
            let sink = try DiskSink(into: folder.path)
            sink.conflicts = .overwrite
            #expect(throws: FileFault.self) { _ = try sink.begin(Self.entry("d", size: 1)) }
            #expect(throws: FileFault.self) { _ = try sink.begin(Self.entry("f", .folder, number: 1)) }
            #expect(try sink.begin(Self.entry("d", .folder, number: 2)) == .complete)
            #expect(try bytes(folder.file("f")) == [7])
        }
    }

    @Test(arguments: ["a.courier-part", "a.courier-journal", ".courier-batch", "d/.courier-batch"])
    func `names of unfinished files are refused`(_ path: String) throws {
        try withFolder { folder in
            let fault = #expect(throws: FileFault.self) {
                _ = try DiskSink(into: folder.path).begin(Self.entry(path, size: 1))
            }
            #expect(fault?.code == .refusedName)
        }
    }

    @Test func `the part of a file that has another name too, is not written over`() throws {
        try withFolder { folder in
            try write(SampleFile.bytes(10), to: folder.file("mine"))
            try FileManager.default.linkItem(atPath: folder.file("mine"), toPath: folder.file("f.courier-part"))
            let sink = try DiskSink(into: folder.path)
            _ = try sink.begin(Self.entry("f", size: 100_000))
            #expect(throws: FileFault.self) { try SampleFile.write([0], of: SampleFile.bytes(100_000), to: sink) }
            #expect(try bytes(folder.file("mine")) == SampleFile.bytes(10))
        }
    }
}
