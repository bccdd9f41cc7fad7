internal import GRDB
internal import Identity
internal import LinkMeasurement
internal import Operations

/// Stores the known reflectors.
protocol ReflectorList: Sendable {
    /// The oldest first.
    func all() throws -> [KnownReflector]
    /// The owner of a name, which may be a machine that is no reflector.
    func owner(of name: String) throws -> EndpointID?
    /// - Parameter replacing: takes the name from another ID.
    func put(_ reflector: KnownReflector, replacing: Bool) throws
    /// False if there was none with that name.
    func remove(_ name: String) throws -> Bool
    /// False if there was none with that name.
    func rename(_ name: String, to new: String) throws -> Bool
}

/// The reflectors of an explicit state folder: a table of `paramedic.sqlite`.
struct FolderReflectors: ReflectorList {
    let database: DatabaseQueue

    func all() throws -> [KnownReflector] {
        try database.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM reflector ORDER BY added_at, name").compactMap { row in
                guard let text = row["endpoint_id"] as String?, let id = try? EndpointID(parsing: text) else {
                    return nil
                }
                return KnownReflector(
                    name: row["name"],
                    address: ReflectorAddress(host: row["host"], port: row["port"], endpointID: id),
                    addedAt: Timestamp(microseconds: row["added_at"])
                )
            }
        }
    }

    func owner(of name: String) throws -> EndpointID? {
        try all().first { $0.name == name }?.address.endpointID
    }

    func put(_ reflector: KnownReflector, replacing: Bool) throws {
        try database.write { database in
            try database.execute(
                sql:
                    "INSERT OR REPLACE INTO reflector (name, host, port, endpoint_id, added_at) VALUES (?, ?, ?, ?, ?)",
                arguments: [
                    reflector.name, reflector.address.host, reflector.address.port,
                    reflector.address.endpointID.description, reflector.addedAt.microseconds,
                ]
            )
        }
    }

    func remove(_ name: String) throws -> Bool {
        try database.write { database in
            try database.execute(sql: "DELETE FROM reflector WHERE name = ?", arguments: [name])
            return database.changesCount > 0
        }
    }

    func rename(_ name: String, to new: String) throws -> Bool {
        try database.write { database in
            try database.execute(sql: "UPDATE reflector SET name = ? WHERE name = ?", arguments: [new, name])
            return database.changesCount > 0
        }
    }
}
