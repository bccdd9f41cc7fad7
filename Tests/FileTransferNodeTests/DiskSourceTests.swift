internal import Cryptography
internal import Foundation
internal import OwnThread
internal import TemporaryFolders
internal import Testing

@testable import FileTransfer
@testable import FileTransferNode

@Suite("Files and folders that are sent", .ownThread)
struct DiskSourceTests {
    private func text(_ entries: [TransferEntry]) -> [String] {
        entries.map { "\($0.kind) \(String(decoding: $0.path, as: UTF8.self))" }
    }

    private func makeFolder(_ path: String) throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    @Test func `a folder is listed in order, folders before what is in them, links as links`() throws {
        try withFolder { folder in
            let root = folder.file("root")
            try makeFolder(root + "/b/c")
            try makeFolder(root + "/a")
            for path in ["/z", "/b/c/x", "/b/y"] { try write([1], to: root + path) }
            try FileManager.default.createSymbolicLink(atPath: root + "/l", withDestinationPath: "b")
            mkfifo(root + "/pipe", 0o600)
            let source = try DiskSource([root])
            let entries = source.all()
            #expect(
                text(entries) == [
                    "folder root", "symbolicLink root/l", "file root/z", "folder root/a", "folder root/b",
                    "file root/b/y", "folder root/b/c", "file root/b/c/x",
                ]
            )
            #expect(entries[1].target == Array("b".utf8))
            #expect(source.faults == ["\(root)/pipe: neither a file, a folder nor a symbolic link"])
            var byte = [UInt8](repeating: 0, count: 4)
            var span = byte.mutableSpan
            var raw = span.mutableBytes
            #expect(try source.read(7, at: 0, into: &raw) == 1)
        }
    }

    @Test func `a folder that cannot be listed any more is named, and the others come`() throws {
        try withFolder { folder in
            let root = folder.file("root")
            for name in ["a", "b", "c"] {
                try makeFolder(root + "/" + name)
                try write([1], to: "\(root)/\(name)/f")
            }
            let source = try DiskSource([root])
            #expect(text(source.more(atMost: 2)) == ["folder root", "folder root/a"])
            #expect(source.faults.isEmpty && source.hasMore)
            try FileManager.default.removeItem(atPath: root + "/b")
            try write([1], to: root + "/b")
            #expect(text(source.all()) == ["file root/a/f", "folder root/c", "file root/c/f"])
            #expect(source.faults == ["\(root)/b: Not a directory"])
            #expect(!source.hasMore && source.more(atMost: 2).isEmpty)
        }
    }

    @Test func `a folder that is named by a dot has its own name`() throws {
        try withFolder { folder in
            try makeFolder(folder.file("root"))
            #expect(text(try DiskSource([folder.file("root/.")]).all()) == ["folder root"])
            #expect(text(try DiskSource([folder.file("root/")]).all()) == ["folder root"])
        }
    }

    @Test func `a folder that became a link, and a file that changed, are noticed`() throws {
        try withFolder { folder in
            let root = folder.file("root")
            try makeFolder(root + "/d")
            try makeFolder(folder.file("secret"))
            try write([1, 2], to: root + "/d/f")
            try write([9, 9], to: folder.file("secret/f"))
            try write([1, 2], to: root + "/g")
            let source = try DiskSource([root])
            let entries = source.all()
            #expect(text(entries) == ["folder root", "file root/g", "folder root/d", "file root/d/f"])
            try FileManager.default.removeItem(atPath: root + "/d")
            try FileManager.default.createSymbolicLink(atPath: root + "/d", withDestinationPath: folder.file("secret"))
            try write([3, 4], to: root + "/g")
            var bytes = [UInt8](repeating: 0, count: 2)
            var span = bytes.mutableSpan
            var raw = span.mutableBytes
            #expect(throws: FileFault.self) { _ = try source.read(3, at: 0, into: &raw) }
            let fault = #expect(throws: FileFault.self) { try source.check(1) }
            #expect(fault?.code == .changed)
            #expect(fault?.description.contains(root + "/g") == true)
        }
    }

    @Test(arguments: ["/dev/null", "/none", "/"])
    func `what cannot be sent is refused by its path`(_ path: String) {
        let fault = #expect(throws: FileFault.self) { _ = try DiskSource([path]) }
        #expect(fault?.description.contains(path) == true)
    }

    @Test func `values of a file's chunks are known to a later transfer as long as the file is the same`() throws {
        try withFolder { folder in
            let path = folder.file("f")
            let values = folder.file("state/values")
            let content = SampleFile.bytes(5 << 20)
            try write(content, to: path)
            let all = SampleFile.values(content)
            func source() throws -> DiskSource {
                let source = try DiskSource([path], keepingValuesIn: values)
                _ = source.all()
                return source
            }
            var first: DiskSource? = try source()
            #expect(first?.value(of: 0, in: 0) == nil)
            for chunk in [0, 1, 7] { first?.keep(all[chunk], of: UInt64(chunk), in: 0) }
            first = nil
            var second: DiskSource? = try source()
            #expect((0..<20).map { second?.value(of: $0, in: 0) != nil } == (0..<20).map { [0, 1, 7].contains($0) })
            #expect(second?.value(of: 7, in: 0) == all[7])
            second = nil
            // The same bytes, but the kernel says that someone wrote them.
            try write(content, to: path)
            #expect(try source().value(of: 0, in: 0) == nil)
            var third: DiskSource? = try source()
            third?.keep(all[0], of: 0, in: 0)
            third?.finish(0)
            third = nil
            #expect(try FileManager.default.contentsOfDirectory(atPath: values).isEmpty)
        }
    }
}
