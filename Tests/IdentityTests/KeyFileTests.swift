internal import Foundation
internal import Testing

@testable import Identity

@Suite("Key file")
struct KeyFileTests {
    @Test func `a key is made once, with mode 0600, and is the same ever after`() throws {
        try inFolder { folder in
            let path = folder + "/identity.ed25519"
            #expect(try KeyFile.load(at: path) == nil)
            let (first, created) = try KeyFile.loadOrCreate(at: path)
            let (second, createdAgain) = try KeyFile.loadOrCreate(at: path)
            #expect(created && !createdAgain)
            #expect(first.endpointID == second.endpointID)
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            #expect(attributes[.size] as? Int == 32)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["identity.ed25519"])
        }
    }

    @Test func `the file holds the raw seed of RFC 8032: test 1's secret gives test 1's public key`() throws {
        try inFolder { folder in
            let path = folder + "/key"
            let seed: [UInt8] = [
                0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4,
                0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
            ]
            try write(Data(seed), to: path, mode: 0o600)
            let id = try #require(try KeyFile.load(at: path)).endpointID
            #expect(id.description == EndpointIDTests.vectors[0].1)
        }
    }

    @Test(arguments: [0o640, 0o604, 0o660, 0o610, 0o777])
    func `a key that group or others may touch is refused`(mode: Int) throws {
        try inFolder { folder in
            let path = folder + "/key"
            try write(Data(repeating: 1, count: 32), to: path, mode: mode)
            #expect(throws: KeyFileError.readableByOthers(path: path, mode: UInt32(mode))) {
                try KeyFile.load(at: path)
            }
        }
    }

    @Test(arguments: [0, 31, 33, 64])
    func `a file that is not 32 bytes is refused and left as it is`(count: Int) throws {
        try inFolder { folder in
            let path = folder + "/key"
            try write(Data(repeating: 1, count: count), to: path, mode: 0o600)
            #expect(throws: KeyFileError.wrongLength(path: path, found: count)) { try KeyFile.loadOrCreate(at: path) }
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)).count == count)
        }
    }

    @Test func `a symbolic link, a folder and a pipe are refused`() throws {
        try inFolder { folder in
            try write(Data(repeating: 1, count: 32), to: folder + "/real", mode: 0o600)
            let link = folder + "/link"
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: folder + "/real")
            #expect(throws: KeyFileError.isSymbolicLink(path: link)) { try KeyFile.load(at: link) }
            #expect(throws: KeyFileError.notARegularFile(path: folder)) { try KeyFile.load(at: folder) }
            let pipe = folder + "/pipe"
            #expect(mkfifo(pipe, 0o600) == 0)
            #expect(throws: KeyFileError.notARegularFile(path: pipe)) { try KeyFile.load(at: pipe) }
        }
    }

    @Test func `rotation keeps the old key aside and puts a new one in its place`() throws {
        try inFolder { folder in
            let path = folder + "/key"
            let (old, _) = try KeyFile.loadOrCreate(at: path)
            let new = IdentityKey()
            let kept = try KeyFile.rotate(at: path, to: new, asideSuffix: "old-1")
            #expect(new.endpointID != old.endpointID)
            #expect(try KeyFile.load(at: path)?.endpointID == new.endpointID)
            #expect(try KeyFile.load(at: kept)?.endpointID == old.endpointID)
            // The same name again would destroy the only copy of the old key.
            #expect(throws: KeyFileError.self) { try KeyFile.rotate(at: path, to: IdentityKey(), asideSuffix: "old-1") }
            #expect(try KeyFile.load(at: path)?.endpointID == new.endpointID)
        }
    }

    @Test func `of many processes that start at once, all get the same key`() async throws {
        let folder = NSTemporaryDirectory() + "key-race-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let ids = try await withThrowingTaskGroup { group in
            for _ in 0..<16 { group.addTask { try KeyFile.loadOrCreate(at: folder + "/key").key.endpointID } }
            return try await group.reduce(into: Set<EndpointID>()) { $0.insert($1) }
        }
        #expect(ids.count == 1)
    }

    private func write(_ data: Data, to path: String, mode: Int) throws {
        try data.write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    private func inFolder(_ body: (String) throws -> Void) throws {
        let folder = NSTemporaryDirectory() + "key-file-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }
}
