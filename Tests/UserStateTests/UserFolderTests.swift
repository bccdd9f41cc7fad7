internal import Files
internal import Foundation
internal import Glibc
internal import Identity
internal import Synchronization
internal import Testing

@testable import UserState

/// A state folder of a test's own.
struct StateHome: ~Copyable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "us-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var user: UserFolder { UserFolder(environment: ["XDG_STATE_HOME": path]) }

    /// Gives `tool` an identity of its own, as tools had before they shared one.
    @discardableResult
    func formerKey(of tool: String) throws -> IdentityKey {
        let key = user.formerKeyPath(of: tool)
        try StateFiles.createFolder(path + "/" + tool)
        return try KeyFile.loadOrCreate(at: key).key
    }
}

@Suite("The folder that a user's tools share")
struct UserFolderTests {
    @Test func `a user's folder lies in XDG_STATE_HOME when that is absolute, else in ~/.local/state`() {
        #expect(
            UserFolder(environment: ["XDG_STATE_HOME": "/s", "HOME": "/h"]).keyPath == "/s/outpost/identity.ed25519"
        )
        #expect(UserFolder(environment: ["XDG_STATE_HOME": "s", "HOME": "/h"]).path == "/h/.local/state/outpost")
        #expect(UserFolder(environment: ["HOME": "/h"]).bookPath == "/h/.local/state/outpost/peers.sqlite")
    }

    @Test func `a user's folder is private and gets one identity, the same for every tool`() throws {
        let home = try StateHome()
        #expect(try home.user.open(for: "paramedic") == nil)
        let key = try home.user.key()
        #expect(try home.user.open(for: "packetbench") == nil)
        #expect(try home.user.key().endpointID == key.endpointID)
        #expect(try FileStatus.ofLink(at: home.user.path).mode == 0o700)
        #expect(try FileStatus.ofLink(at: home.user.keyPath).mode == 0o600)
    }

    @Test(arguments: ["paramedic", "packetbench"])
    func `a user's folder takes an identity over once, and the old file stays`(owner: String) throws {
        let home = try StateHome()
        let key = try home.formerKey(of: owner)
        let taken = try home.user.open(for: "paramedic")
        #expect(taken?.endpointID == key.endpointID)
        #expect(taken?.description.contains(home.user.formerKeyPath(of: owner)) == true)
        #expect(try home.user.key().endpointID == key.endpointID)
        #expect(try FileStatus.ofLink(at: home.user.keyPath).mode == 0o600)
        #expect(try home.user.open(for: "paramedic") == nil)
        #expect(try home.user.open(for: "packetbench") == nil)
        #expect(try KeyFile.load(at: home.user.formerKeyPath(of: owner))?.endpointID == key.endpointID)
    }

    @Test
    func
        `of two old identities a user's folder takes paramedic's, whichever tool comes first, and refuses the other by name`()
        throws
    {
        let home = try StateHome()
        let paramedic = try home.formerKey(of: "paramedic")
        let packetbench = try home.formerKey(of: "packetbench")
        let conflict = try #require(
            #expect(throws: IdentityConflict.self) { _ = try home.user.open(for: "packetbench") }
        )
        #expect(try home.user.key().endpointID == paramedic.endpointID)
        for part in ["\(paramedic.endpointID)", "\(packetbench.endpointID)", home.user.keyPath, "PACKETBENCH_KEY"] {
            #expect(conflict.description.contains(part), "\(conflict)")
        }
        #expect(try home.user.open(for: "paramedic") == nil)
        #expect(
            try KeyFile.load(at: home.user.formerKeyPath(of: "packetbench"))?.endpointID == packetbench.endpointID
        )
    }

    @Test
    func
        `a user's folder refuses an old identity beside another that is shared, until one is moved away; both files stay`()
        throws
    {
        let home = try StateHome()
        _ = try home.user.open(for: "paramedic")
        let shared = try home.user.key()
        let old = try home.formerKey(of: "paramedic")
        for _ in 1...2 {
            let conflict = #expect(throws: IdentityConflict.self) { _ = try home.user.open(for: "paramedic") }
            #expect(conflict?.description.contains("PARAMEDIC_STATE") == true)
        }
        let path = home.user.formerKeyPath(of: "paramedic")
        #expect(try KeyFile.load(at: home.user.keyPath)?.endpointID == shared.endpointID)
        #expect(try KeyFile.load(at: path)?.endpointID == old.endpointID)
        try StateFiles.rename(path, to: path + ".away")
        #expect(try home.user.open(for: "paramedic") == nil)
    }

    @Test func `an identity that many tools take over at once is taken over by one, and all have the same`()
        async throws
    {
        for _ in 1...5 {
            let home = try StateHome()
            let key = try home.formerKey(of: "paramedic")
            let user = home.user
            let results = try await withThrowingTaskGroup(of: (Bool, EndpointID).self) { group in
                for index in 0..<8 {
                    group.addTask {
                        let taken = try user.open(for: index % 2 == 0 ? "paramedic" : "packetbench")
                        return (taken != nil, try user.key().endpointID)
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(results.filter(\.0).count == 1)
            #expect(results.allSatisfy { $0.1 == key.endpointID })
            #expect(try FolderListing.names(in: user.path) == [UserFolder.keyName])
        }
    }

    @Test func `a user's folder is completed after a kill that left a half-written key beside its place`() throws {
        let home = try StateHome()
        let key = try home.formerKey(of: "paramedic")
        try StateFiles.createFolder(home.user.path)
        try StateFiles.createPrivate(home.user.keyPath + ".new-1-2", content: [1, 2, 3])
        #expect(try home.user.open(for: "paramedic")?.endpointID == key.endpointID)
        #expect(try home.user.key().endpointID == key.endpointID)
    }

    @Test func `a user's folder makes no new identity while an old one cannot be used`() throws {
        let home = try StateHome()
        try home.formerKey(of: "paramedic")
        let path = home.user.formerKeyPath(of: "paramedic")
        chmod(path, 0o644)
        #expect(throws: KeyFileError.self) { _ = try home.user.open(for: "packetbench") }
        #expect(throws: KeyFileError.self) { _ = try home.user.open(for: "paramedic") }
        #expect(try KeyFile.load(at: home.user.keyPath) == nil)
    }

    @Test func `a user's folder takes no key from a folder that others may write in or own, or through a link to one`()
        throws
    {
        let home = try StateHome()
        try home.formerKey(of: "paramedic")
        let old = home.path + "/paramedic"
        chmod(old, 0o770)
        #expect(throws: FileError.self) { _ = try home.user.open(for: "paramedic") }
        chmod(old, 0o700)
        if geteuid() == 0 {
            chown(old, 12_345, 12_345)
            #expect(throws: FileError.self) { _ = try home.user.open(for: "packetbench") }
            chown(old, 0, 0)
        }
        try StateFiles.rename(old, to: old + "-moved")
        symlink(old + "-moved", old)
        #expect(throws: FileError.self) { _ = try home.user.open(for: "paramedic") }
        #expect(try KeyFile.load(at: home.user.keyPath) == nil)
    }

    @Test
    func `a user's folder is refused as a symbolic link, when others may write in it, or when another user owns it`()
        throws
    {
        let home = try StateHome()
        let elsewhere = home.path + "/elsewhere"
        try StateFiles.createFolder(elsewhere)
        symlink(elsewhere, home.user.path)
        #expect(throws: FileError.self) { _ = try home.user.open(for: "paramedic") }
        unlink(home.user.path)
        try StateFiles.createFolder(home.user.path)
        chmod(home.user.path, 0o770)
        #expect(throws: FileError.self) { _ = try home.user.open(for: "paramedic") }
        if geteuid() == 0 {
            chmod(home.user.path, 0o700)
            chown(home.user.path, 12_345, 12_345)
            #expect(throws: FileError.self) { _ = try home.user.open(for: "paramedic") }
        }
        #expect(try FolderListing.names(in: elsewhere).isEmpty)
    }

    @Test func `a user's folder writes no key through a symbolic link in the key's place`() throws {
        let home = try StateHome()
        try home.formerKey(of: "paramedic")
        try StateFiles.createFolder(home.user.path)
        symlink(home.path + "/stolen", home.user.keyPath)
        #expect(throws: KeyFileError.self) { _ = try home.user.open(for: "paramedic") }
        #expect(access(home.path + "/stolen", F_OK) != 0)
    }
}
