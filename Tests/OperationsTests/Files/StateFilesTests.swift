internal import Files
internal import Foundation
internal import Glibc
internal import TemporaryFolders
internal import Testing

@Suite struct StateFilesTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    @Test func `the mode does not depend on the umask`() throws {
        let before = umask(0)
        defer { umask(before) }
        try StateFiles.createPrivate(folder.file("b"), content: [])
        try StateFiles.createFolder(folder.file("c/d"))
        #expect(try mode(folder.file("b")) == 0o600)
        #expect(try mode(folder.file("c")) == 0o700)
        #expect(try mode(folder.file("c/d")) == 0o700)
    }

    @Test func `a private file is created once`() throws {
        try StateFiles.createPrivate(folder.file("key"), content: [9])
        #expect { try StateFiles.createPrivate(folder.file("key"), content: [8]) } throws: {
            ($0 as? FileError)?.code == EEXIST
        }
        #expect(try bytes(folder.file("key")) == [9])
    }

    @Test func `creating a folder twice is fine, over a file or for everyone to write it is not`() throws {
        try StateFiles.createFolder(folder.file("a/b/c"))
        try StateFiles.createFolder(folder.file("a/b/c"))
        try write([], to: folder.file("file"))
        try FileManager.default.createSymbolicLink(atPath: folder.file("link"), withDestinationPath: folder.file("a"))
        try FileManager.default.createDirectory(atPath: folder.file("open"), withIntermediateDirectories: false)
        try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: folder.file("open"))
        for bad in ["file", "file/x", "link", "open"] {
            #expect(throws: FileError.self, "\(bad)") { try StateFiles.createFolder(folder.file(bad)) }
        }
        #expect(throws: FileError.self) { try StateFiles.createFolder("") }
    }

    @Test func `reading is bounded and refuses links, folders and pipes`() throws {
        let path = folder.file("state")
        try write([UInt8](repeating: 7, count: 100), to: path)
        #expect(try StateFiles.read(path, limit: 100).count == 100)
        #expect { try StateFiles.read(path, limit: 99) } throws: { "\($0)".contains("longer than 99") }
        try FileManager.default.createSymbolicLink(atPath: folder.file("link"), withDestinationPath: path)
        #expect(unsafe mkfifo(folder.file("pipe"), 0o600) == 0)
        for bad in ["link", "pipe", "", "none"] {
            #expect(throws: FileError.self, "\(bad)") { try StateFiles.read(folder.file(bad), limit: 100) }
        }
        #expect(try StateFiles.read(folder.file("link"), limit: 100, followsLinks: true).count == 100)
    }

    @Test func `a path with a zero byte is refused, not cut`() throws {
        let path = folder.file("state\0.txt")
        #expect(throws: FileError.self) { try StateFiles.createPrivate(path, content: []) }
        #expect(throws: FileError.self) { try StateFiles.createFolder(path) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }

    @Test func `errors name the path, the reason and the remedy`() {
        #expect { try StateFiles.createPrivate("/nonexistent/x", content: []) } throws: { error in
            "\(error)" == "/nonexistent/x: open: No such file or directory; create its folder, or correct the path"
        }
    }

    @Test func `the folder of a path is found`() {
        #expect(StateFiles.folder(of: "/a/b") == "/a")
        #expect(StateFiles.folder(of: "/a") == "/")
        #expect(StateFiles.folder(of: "/a/b/") == "/a")
        #expect(StateFiles.folder(of: "a") == nil)
        #expect(StateFiles.folder(of: "/") == "/")
    }
}
