internal import GRDB
package import Identity
package import Operations
internal import Storage
internal import StrictJSON

/// The peers that a user's tools know: a SQLite file in their shared folder.
///
/// Names and addresses belong to an entry, permissions to the key: a second name of a machine grants it nothing more.
package struct AddressBook: Sendable {
    /// Longest name, in Unicode scalars.
    package static let longestName = 64

    package let path: String
    private let database: DatabaseQueue

    /// Opens the book, or creates it.
    package init(path: String) throws {
        self.path = path
        database = try StateDatabase.open(path, waiting: .inPlace) { migrator in
            migrator.registerMigration("1: peers, addresses, permissions") { database in
                // Times are Unix microseconds.
                try database.execute(
                    sql: """
                        CREATE TABLE peer (
                            name TEXT PRIMARY KEY NOT NULL,
                            endpoint_id TEXT NOT NULL,
                            added_at INTEGER NOT NULL
                        ) STRICT, WITHOUT ROWID;
                        CREATE INDEX peer_by_id ON peer (endpoint_id);
                        CREATE TABLE address (
                            name TEXT NOT NULL REFERENCES peer (name) ON DELETE CASCADE ON UPDATE CASCADE,
                            service TEXT NOT NULL,
                            host TEXT NOT NULL,
                            port INTEGER NOT NULL,
                            PRIMARY KEY (name, service, host, port)
                        ) STRICT, WITHOUT ROWID;
                        CREATE TABLE permission (
                            endpoint_id TEXT NOT NULL,
                            action TEXT NOT NULL,
                            PRIMARY KEY (endpoint_id, action)
                        ) STRICT, WITHOUT ROWID;
                        CREATE TABLE taken_over (
                            source TEXT PRIMARY KEY NOT NULL,
                            at INTEGER NOT NULL
                        ) STRICT, WITHOUT ROWID;
                        """
                )
            }
        }
    }

    /// Every entry, the oldest first. Rows with an invalid Endpoint ID are left out.
    package func peers() throws -> [KnownPeer] { try database.read { try Self.peers($0) } }

    /// Adds an entry. If the same key already has this name, `peer`'s addresses replace those of the same services, and
    /// its permissions are added.
    ///
    /// - Parameter replacing: takes the name from another key, with the permissions of a key that has no other name.
    /// - Throws: `AddressBookError.nameTaken` if the name belongs to another key and `replacing` is
    ///   false.
    package func add(_ peer: KnownPeer, replacing: Bool = false) throws {
        try Self.check(peer.name)
        try database.write { database in
            if let known = try Self.peers(database).first(where: { $0.name == peer.name }),
                known.endpointID != peer.endpointID
            {
                guard replacing else {
                    throw AddressBookError.nameTaken(peer.name, known: known.endpointID, new: peer.endpointID)
                }
                try Self.remove(peer.name, database)
            }
            try Self.add(peer, database)
        }
    }

    /// Throws if the name belongs to another key.
    package func rename(_ name: String, to new: String) throws {
        try Self.check(new)
        try database.write { database in
            let names = Set(try Self.peers(database).map(\.name))
            guard names.contains(name) else { throw AddressBookError.unknownName(name) }
            guard name == new || !names.contains(new) else { throw AddressBookError.nameInUse(new) }
            try database.execute(sql: "UPDATE peer SET name = ? WHERE name = ?", arguments: [new, name])
        }
    }

    /// Removes the addresses of a service under `name`. An entry that no other service needs is removed with them, and
    /// `permission` with the last entry of its key that has this service. False if there was no such address.
    package func remove(_ service: String, of name: String, withdrawing permission: Permission) throws -> Bool {
        try database.write { database in
            guard let peer = try Self.peers(database).first(where: { $0.name == name }),
                peer.addresses.contains(where: { $0.service == service })
            else { return false }
            try database.execute(
                sql: "DELETE FROM address WHERE name = ? AND service = ?",
                arguments: [name, service]
            )
            let id = peer.endpointID.description
            let isServed = try Bool.fetchOne(
                database,
                sql:
                    "SELECT EXISTS (SELECT 1 FROM peer JOIN address USING (name) WHERE endpoint_id = ? AND service = ?)",
                arguments: [id, service]
            )
            if isServed != true {
                try database.execute(
                    sql: "DELETE FROM permission WHERE endpoint_id = ? AND action = ?",
                    arguments: [id, permission.rawValue]
                )
            }
            try Self.removeUnneeded(name, of: id, beside: permission, database)
            return true
        }
    }

    /// Removes the addresses of a service under `name`, if there are any, and withdraws `permission` from the machine,
    /// under all of its names. An entry that no other service needs is removed with them.
    package func forget(_ service: String, of name: String, withdrawing permission: Permission) throws {
        try database.write { database in
            guard let peer = try Self.peers(database).first(where: { $0.name == name }) else { return }
            let id = peer.endpointID.description
            try database.execute(
                sql: "DELETE FROM address WHERE name = ? AND service = ?",
                arguments: [name, service]
            )
            try database.execute(
                sql: "DELETE FROM permission WHERE endpoint_id = ? AND action = ?",
                arguments: [id, permission.rawValue]
            )
            try Self.removeUnneeded(name, of: id, beside: permission, database)
        }
    }

    /// Another tool's data about the machine stays: an address, or a permission, even one that is unknown here.
    private static func removeUnneeded(
        _ name: String,
        of id: String,
        beside permission: Permission,
        _ database: Database
    ) throws {
        let isOtherwiseKnown = try Bool.fetchOne(
            database,
            sql: """
                SELECT EXISTS (SELECT 1 FROM address WHERE name = ?1)
                OR EXISTS (SELECT 1 FROM permission WHERE endpoint_id = ?2 AND action <> ?3)
                """,
            arguments: [name, id, permission.rawValue]
        )
        if isOtherwiseKnown != true { try remove(name, database) }
    }

    /// Grants a permission to a machine, or withdraws it.
    package func permit(_ permission: Permission, to peer: EndpointID, _ isGranted: Bool = true) throws {
        try database.write { database in
            try database.execute(
                sql: isGranted
                    ? "INSERT OR IGNORE INTO permission (endpoint_id, action) VALUES (?, ?)"
                    : "DELETE FROM permission WHERE endpoint_id = ? AND action = ?",
                arguments: [peer.description, permission.rawValue]
            )
        }
    }

    /// Whether a machine has a permission.
    package func permits(_ permission: Permission, to peer: EndpointID) throws -> Bool {
        try database.read { database in
            try Bool.fetchOne(
                database,
                sql: "SELECT EXISTS (SELECT 1 FROM permission WHERE endpoint_id = ? AND action = ?)",
                arguments: [peer.description, permission.rawValue]
            ) == true
        }
    }

    // MARK: Taking over

    /// Whether `takeOver` has been done for `source`.
    package func hasTakenOver(_ source: String) throws -> Bool {
        try database.read { try Self.hasTakenOver(source, $0) }
    }

    /// Adds the peers of another source, once: all of them and the note that it was done are one transaction.
    ///
    /// A name that belongs to another key here gets the first free number appended.
    ///
    /// - Returns: the names here, in the order of `peers`; nil if it was done before.
    package func takeOver(_ peers: [KnownPeer], from source: String, at time: Timestamp) throws -> [String]? {
        try database.write { database in
            if try Self.hasTakenOver(source, database) { return nil }
            var taken: [String] = []
            for var peer in peers {
                peer.name = try Self.freeName(for: peer, database)
                try Self.add(peer, database)
                taken.append(peer.name)
            }
            try database.execute(
                sql: "INSERT INTO taken_over (source, at) VALUES (?, ?)",
                arguments: [source, time.microseconds]
            )
            return taken
        }
    }

    private static func freeName(for peer: KnownPeer, _ database: Database) throws -> String {
        let owners = Dictionary(
            uniqueKeysWithValues: try Row.fetchAll(database, sql: "SELECT name, endpoint_id FROM peer").map {
                ($0["name"] as String, $0["endpoint_id"] as String)
            }
        )
        var name = peer.name
        var number = 1
        while let owner = owners[name], owner != peer.endpointID.description {
            number += 1
            name = "\(peer.name)-\(number)"
        }
        return name
    }

    private static func hasTakenOver(_ source: String, _ database: Database) throws -> Bool {
        try Bool.fetchOne(
            database,
            sql: "SELECT EXISTS (SELECT 1 FROM taken_over WHERE source = ?)",
            arguments: [source]
        ) == true
    }

    // MARK: Rows

    /// A name is shown on terminals and typed.
    private static func check(_ name: String) throws(AddressBookError) {
        let scalars = name.unicodeScalars
        guard (1...longestName).contains(scalars.count), !scalars.contains(where: \.isHazardousInText),
            scalars.contains(where: { !$0.properties.isWhitespace })
        else { throw .invalidName }
    }

    private static func peers(_ database: Database) throws -> [KnownPeer] {
        var addresses: [String: [PeerAddress]] = [:]
        for row in try Row.fetchAll(database, sql: "SELECT * FROM address ORDER BY name, service, host, port") {
            let address = PeerAddress(service: row["service"], host: row["host"], port: row["port"])
            addresses[row["name"], default: []].append(address)
        }
        var permissions: [String: Set<Permission>] = [:]
        for row in try Row.fetchAll(database, sql: "SELECT * FROM permission") {
            guard let permission = Permission(rawValue: row["action"]) else { continue }
            permissions[row["endpoint_id"], default: []].insert(permission)
        }
        return try Row.fetchAll(database, sql: "SELECT * FROM peer ORDER BY added_at, name").compactMap { row in
            let text: String = row["endpoint_id"]
            guard let id = try? EndpointID(parsing: text) else { return nil }
            let name: String = row["name"]
            return KnownPeer(
                name: name,
                endpointID: id,
                addedAt: Timestamp(microseconds: row["added_at"]),
                addresses: addresses[name] ?? [],
                permissions: permissions[text] ?? []
            )
        }
    }

    private static func add(_ peer: KnownPeer, _ database: Database) throws {
        let id = peer.endpointID.description
        try database.execute(
            sql: """
                INSERT INTO peer (name, endpoint_id, added_at) VALUES (?, ?, ?)
                ON CONFLICT (name) DO UPDATE SET added_at = excluded.added_at
                """,
            arguments: [peer.name, id, peer.addedAt.microseconds]
        )
        for service in Set(peer.addresses.map(\.service)) {
            try database.execute(
                sql: "DELETE FROM address WHERE name = ? AND service = ?",
                arguments: [peer.name, service]
            )
        }
        for address in peer.addresses {
            try database.execute(
                sql: "INSERT OR IGNORE INTO address (name, service, host, port) VALUES (?, ?, ?, ?)",
                arguments: [peer.name, address.service, address.host, address.port]
            )
        }
        for permission in peer.permissions {
            try database.execute(
                sql: "INSERT OR IGNORE INTO permission (endpoint_id, action) VALUES (?, ?)",
                arguments: [id, permission.rawValue]
            )
        }
    }

    /// Removes an entry, and the permissions of its key if that has no other entry.
    private static func remove(_ name: String, _ database: Database) throws {
        let id = try String.fetchOne(database, sql: "SELECT endpoint_id FROM peer WHERE name = ?", arguments: [name])
        try database.execute(sql: "DELETE FROM peer WHERE name = ?", arguments: [name])
        try database.execute(
            sql: """
                DELETE FROM permission WHERE endpoint_id = ?1
                AND NOT EXISTS (SELECT 1 FROM peer WHERE endpoint_id = ?1)
                """,
            arguments: [id]
        )
    }
}
