internal import Files
internal import Foundation
internal import GRDB
internal import Glibc
internal import Identity
internal import Operations
internal import Storage
internal import Testing

@testable import Peers
@testable import UserState

@Suite("The address book")
struct AddressBookTests {
    private func peer(_ name: String, _ id: EndpointID = IdentityKey().endpointID, port: Int = 4000) -> KnownPeer {
        KnownPeer(
            name: name,
            endpointID: id,
            addedAt: Timestamp(microseconds: 1),
            addresses: [PeerAddress(service: PeerAddress.reflector, host: "192.0.2.1", port: port)],
            permissions: [.beMeasured]
        )
    }

    private func book(_ home: borrowing StateHome) throws -> AddressBook {
        try StateFiles.createFolder(home.user.path)
        return try AddressBook(path: home.user.bookPath)
    }

    /// Runs SQL on the file, as another version of the tools would.
    private func execute(_ sql: String, _ home: borrowing StateHome) throws {
        try DatabaseQueue(path: home.user.bookPath).write { try $0.execute(sql: sql) }
    }

    @Test func `the address book keeps names, addresses and permissions, mode 0600`() throws {
        let home = try StateHome()
        let one = peer("home")
        try book(home).add(one)
        #expect(try book(home).peers() == [one])
        #expect(try FileStatus.ofLink(at: home.user.bookPath).mode == 0o600)
    }

    @Test func `the address book grants nothing by a word that it does not know, and keeps the word`() throws {
        let home = try StateHome()
        let book = try book(home)
        var one = peer("home")
        one.permissions = []
        try book.add(one)
        try execute("INSERT INTO permission VALUES ('\(one.endpointID)', 'send_without_asking')", home)
        #expect(try book.peers().first?.permissions == [])
        // Another tool needs the entry still.
        #expect(try book.remove(PeerAddress.reflector, of: "home", withdrawing: .beMeasured))
        #expect(try book.peers().map(\.name) == ["home"])
        #expect(try book.remove(PeerAddress.reflector, of: "home", withdrawing: .beMeasured) == false)
    }

    @Test
    func
        `the address book gives a name of another key away only when asked to, and never with the permissions of the key before`()
        throws
    {
        let home = try StateHome()
        let book = try book(home)
        let (old, new) = (peer("home"), peer("home", port: 4001))
        try book.add(old)
        try execute("INSERT INTO permission VALUES ('\(old.endpointID)', 'send_without_asking')", home)
        #expect(throws: AddressBookError.nameTaken("home", known: old.endpointID, new: new.endpointID)) {
            try book.add(new)
        }
        try book.add(new, replacing: true)
        #expect(try book.peers() == [new])
        let actions = try DatabaseQueue(path: home.user.bookPath).read {
            try String.fetchAll($0, sql: "SELECT endpoint_id || ' ' || action FROM permission")
        }
        #expect(actions == ["\(new.endpointID) be_measured"])
    }

    @Test func `the address book withdraws the permission with the last name of a key, not before`() throws {
        let home = try StateHome()
        let book = try book(home)
        let id = IdentityKey().endpointID
        try book.add(peer("lan", id))
        try book.add(peer("wan", id, port: 4001))
        #expect(try book.remove(PeerAddress.reflector, of: "lan", withdrawing: .beMeasured))
        #expect(try book.peers() == [peer("wan", id, port: 4001)])
        #expect(try book.remove(PeerAddress.reflector, of: "wan", withdrawing: .beMeasured))
        #expect(try book.peers().isEmpty)
    }

    @Test func `the address book forgets a courier and the machine's trust, and keeps what other tools know`() throws {
        let home = try StateHome()
        let book = try book(home)
        var both = peer("home")
        both.addresses.append(PeerAddress(service: PeerAddress.courier, host: "192.0.2.1", port: 4900))
        both.permissions.insert(.sendFiles)
        try book.add(both)
        try book.add(peer("lan", both.endpointID))
        #expect(try book.permits(.sendFiles, to: both.endpointID))
        try book.forget(PeerAddress.courier, of: "home", withdrawing: .sendFiles)
        #expect(try book.permits(.sendFiles, to: both.endpointID) == false)
        #expect(try book.permits(.beMeasured, to: both.endpointID))
        #expect(try book.peers().map(\.name) == ["home", "lan"])
        #expect(try book.peers()[0].addresses.map(\.service) == [PeerAddress.reflector])
        // A name that only this tool has.
        let own = KnownPeer(name: "own", endpointID: peer("x").endpointID, addedAt: .now)
        try book.add(own)
        try book.permit(.sendFiles, to: own.endpointID)
        #expect(try book.permits(.sendFiles, to: own.endpointID))
        try book.permit(.sendFiles, to: own.endpointID, false)
        #expect(try book.permits(.sendFiles, to: own.endpointID) == false)
        try book.permit(.sendFiles, to: own.endpointID)
        try book.forget(PeerAddress.courier, of: "own", withdrawing: .sendFiles)
        #expect(try book.peers().map(\.name) == ["home", "lan"])
        #expect(try book.permits(.sendFiles, to: own.endpointID) == false)
    }

    @Test
    func `the address book renames an entry with its addresses, and refuses a name in use, unknown or unprintable`()
        throws
    {
        let home = try StateHome()
        let book = try book(home)
        var one = peer("home")
        try book.add(one)
        try book.add(peer("other"))
        try book.rename("home", to: "vps")
        one.name = "vps"
        #expect(try book.peers().first { $0.name == "vps" } == one)
        #expect(throws: AddressBookError.nameInUse("other")) { try book.rename("vps", to: "other") }
        #expect(throws: AddressBookError.unknownName("home")) { try book.rename("home", to: "x") }
        for name in ["", " ", "a\u{1b}[2J", String(repeating: "a", count: 65)] {
            #expect(throws: AddressBookError.invalidName) { try book.rename("vps", to: name) }
            #expect(throws: AddressBookError.invalidName) { try book.add(peer(name)) }
        }
    }

    @Test func `the address book takes a list over once; a name of another key gets a number`() throws {
        let home = try StateHome()
        let book = try book(home)
        let id = IdentityKey().endpointID
        try book.add(peer("home"))
        try book.add(peer("vps", id))
        let names = try book.takeOver(
            [peer("home"), peer("vps", id, port: 4001), peer("new")],
            from: "paramedic",
            at: Timestamp(microseconds: 2)
        )
        #expect(names == ["home-2", "vps", "new"])
        #expect(try book.hasTakenOver("paramedic"))
        #expect(try book.peers().first { $0.name == "vps" }?.addresses.map(\.port) == [4001])
        #expect(try book.takeOver([peer("more")], from: "paramedic", at: Timestamp(microseconds: 3)) == nil)
        #expect(try book.peers().count == 4)
    }

    @Test func `the address book takes all of a list over or nothing of it`() throws {
        let home = try StateHome()
        let book = try book(home)
        try execute(
            "CREATE TRIGGER fail BEFORE INSERT ON taken_over BEGIN SELECT RAISE(ABORT, 'killed'); END",
            home
        )
        #expect(throws: DatabaseError.self) {
            _ = try book.takeOver([peer("a"), peer("b")], from: "paramedic", at: Timestamp(microseconds: 2))
        }
        #expect(try book.peers().isEmpty)
        try execute("DROP TRIGGER fail", home)
        #expect(try book.takeOver([peer("a")], from: "paramedic", at: Timestamp(microseconds: 2)) == ["a"])
    }

    @Test func `the address book opened and filled by many at once takes a list over once`() async throws {
        let home = try StateHome()
        try StateFiles.createFolder(home.user.path)
        let path = home.user.bookPath
        let peers = [peer("a"), peer("b")]
        let taken = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<6 {
                group.addTask {
                    let book = try AddressBook(path: path)
                    return try book.takeOver(peers, from: "paramedic", at: Timestamp(microseconds: 2)) != nil
                }
            }
            return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(taken == 1)
        #expect(try AddressBook(path: path).peers().map(\.name) == ["a", "b"])
    }

    @Test func `the address book opened a second time leaves the locks of the first`() throws {
        let home = try StateHome()
        let first = try book(home)
        #expect(try first.peers().isEmpty)
        #expect(try isLocked(home.user.bookPath))
        let second = try book(home)
        #expect(try isLocked(home.user.bookPath))
        #expect(try second.peers() == first.peers())
    }

    /// Whether this process has SQLite's lock for readers on the file.
    private func isLocked(_ path: String) throws -> Bool {
        let status = try FileStatus.ofLink(at: path)
        let locks = try String(contentsOfFile: "/proc/locks", encoding: .utf8).split(separator: "\n")
        return locks.contains { lock in
            // 4: POSIX  ADVISORY  READ 4711 fd:00:1234 1073741826 1073742335
            let fields = lock.split(separator: " ")
            return fields.count > 6 && fields[1] == "POSIX" && fields[4] == "\(getpid())"
                && fields[5].hasSuffix(":\(status.inode)") && fields[6] == "1073741826"
        }
    }

    @Test func `the address book says that another process keeps its folder locked, after a bounded time`() throws {
        let home = try StateHome()
        try StateFiles.createFolder(home.user.path)
        let lock = try FileLock(folder: home.user.path, tries: 1)
        let error = #expect(throws: StateDatabaseError.self) { _ = try AddressBook(path: home.user.bookPath) }
        #expect(error?.description.contains("another process keeps its folder locked") == true)
        lock.release()
        #expect(try AddressBook(path: home.user.bookPath).peers().isEmpty)
    }

    @Test
    func `the address book is refused as a symbolic link, when others may write it, and when another user owns it`()
        throws
    {
        let home = try StateHome()
        try StateFiles.createFolder(home.user.path)
        let path = home.user.bookPath
        symlink(home.path + "/elsewhere", path)
        #expect(throws: StateDatabaseError.self) { _ = try AddressBook(path: path) }
        unlink(path)
        _ = try AddressBook(path: path)
        chmod(path, 0o620)
        let error = #expect(throws: StateDatabaseError.self) { _ = try AddressBook(path: path) }
        #expect(error?.description.contains("lets group or others write it") == true)
        chmod(path, 0o600)
        if geteuid() == 0 {
            chown(path, 12_345, 12_345)
            #expect(throws: StateDatabaseError.self) { _ = try AddressBook(path: path) }
        }
        #expect(access(home.path + "/elsewhere", F_OK) != 0)
    }
}
