internal import Files
internal import FoundationEssentials
internal import GRDB
package import Identity
internal import LinkMeasurement
package import Operations
internal import Storage

/// A reflector that this machine paired with.
package struct KnownReflector: Sendable, Equatable, Codable {
    package var name: String
    package var address: ReflectorAddress
    package var addedAt: Timestamp

    package init(name: String, address: ReflectorAddress, addedAt: Timestamp) {
        self.name = name
        self.address = address
        self.addedAt = addedAt
    }

    enum CodingKeys: String, CodingKey {
        case name, address
        case addedAt = "added_at"
    }
}

/// What the client keeps: its key, the reflectors it knows, its examinations.
package final class ParamedicStore: Sendable {
    package static let databaseName = "paramedic.sqlite"
    static let keyName = "identity.ed25519"

    package let folder: String
    private let database: DatabaseQueue

    /// Opens, or makes, the state in `folder`.
    package init(folder: String) throws {
        self.folder = folder
        try StateFiles.createFolder(folder)
        database = try StateDatabase.open(folder + "/" + Self.databaseName, waiting: .inPlace) { migrator in
            migrator.registerMigration("1: reflectors and examinations") { database in
                try database.execute(
                    sql: """
                        CREATE TABLE reflector (
                            name TEXT PRIMARY KEY NOT NULL,
                            host TEXT NOT NULL,
                            port INTEGER NOT NULL,
                            endpoint_id TEXT NOT NULL,
                            added_at INTEGER NOT NULL
                        ) STRICT, WITHOUT ROWID;
                        CREATE TABLE examination (
                            id TEXT PRIMARY KEY NOT NULL,
                            started_at INTEGER NOT NULL,
                            reflector TEXT NOT NULL,
                            document TEXT NOT NULL
                        ) STRICT, WITHOUT ROWID;
                        CREATE INDEX examination_by_time ON examination (started_at);
                        """
                )
            }
        }
    }

    /// The folder that `PARAMEDIC_STATE` names, else the user's state folder (XDG Base Directory).
    package static func defaultFolder(environment: [String: String]) -> String {
        if let folder = environment["PARAMEDIC_STATE"], !folder.isEmpty { return folder }
        if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") { return state + "/paramedic" }
        // Services and cron jobs may have no HOME; the user's entry in the password database has it all the same.
        let home = environment["HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
        return (home ?? FileManager.default.homeDirectoryForCurrentUser.path) + "/.local/state/paramedic"
    }

    /// This machine's key; made on first use.
    package func key(at path: String?) throws -> IdentityKey {
        try KeyFile.loadOrCreate(at: path ?? folder + "/" + Self.keyName).key
    }

    // MARK: Reflectors

    package func reflectors() throws -> [KnownReflector] {
        try database.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM reflector ORDER BY added_at, name").compactMap(
                Self.reflector
            )
        }
    }

    /// What a reflector may be called: something that can be typed and shown.
    package static func checkName(_ name: String) throws {
        let isVisible = name.contains { !$0.isWhitespace }
        guard isVisible, name == name.printable(limit: 64) else {
            throw ParamedicError.invalid("a reflector's name is 1 to 64 printable characters")
        }
    }

    /// Remembers a reflector. One of the same name and ID is brought up to date; one of the same name with another ID is
    /// another machine, which only `replacing` lets go.
    package func remember(_ reflector: KnownReflector, replacing: Bool = false) throws {
        if !replacing { try checkName(of: reflector) }
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

    /// Throws when the reflector's name belongs to another ID.
    package func checkName(of reflector: KnownReflector) throws {
        guard let known = try reflectors().first(where: { $0.name == reflector.name }),
            known.address.endpointID != reflector.address.endpointID
        else { return }
        throw ParamedicError.nameTaken(
            reflector.name,
            known: known.address.endpointID,
            new: reflector.address.endpointID
        )
    }

    /// False when there was none of that name.
    package func forget(_ name: String) throws -> Bool {
        try database.write { database in
            try database.execute(sql: "DELETE FROM reflector WHERE name = ?", arguments: [name])
            return database.changesCount > 0
        }
    }

    package func rename(_ name: String, to new: String) throws {
        try Self.checkName(new)
        guard try name == new || !reflectors().contains(where: { $0.name == new }) else {
            throw ParamedicError.invalid("another reflector is called \"\(new)\"; remove or rename it first")
        }
        try database.write { database in
            try database.execute(sql: "UPDATE reflector SET name = ? WHERE name = ?", arguments: [new, name])
            guard database.changesCount > 0 else { throw ParamedicError.unknownReflector(name, known: []) }
        }
    }

    /// The reflector called `name`, or the only one there is.
    package func reflector(_ name: String?) throws -> KnownReflector {
        let all = try reflectors()
        guard let name else {
            if all.count == 1, let only = all.first { return only }
            throw all.isEmpty ? ParamedicError.noReflector : ParamedicError.ambiguous(all.map(\.name))
        }
        guard let found = all.first(where: { $0.name == name }) else {
            throw ParamedicError.unknownReflector(name, known: all.map(\.name))
        }
        return found
    }

    private static func reflector(_ row: Row) -> KnownReflector? {
        guard let text = row["endpoint_id"] as String?, let id = try? EndpointID(parsing: text) else { return nil }
        return KnownReflector(
            name: row["name"],
            address: ReflectorAddress(host: row["host"], port: row["port"], endpointID: id),
            addedAt: Timestamp(microseconds: row["added_at"])
        )
    }

    // MARK: Examinations

    package func save(_ examination: Examination) throws {
        let document = try JSONText.line(examination)
        try database.write { database in
            try database.execute(
                sql: "INSERT OR REPLACE INTO examination (id, started_at, reflector, document) VALUES (?, ?, ?, ?)",
                arguments: [
                    examination.id, examination.startedAt.microseconds, examination.reflector.name, document,
                ]
            )
        }
    }

    /// The latest examinations, oldest first. Throws when no reflector has, or had, the name that is asked for.
    package func examinations(of reflector: String? = nil, last count: Int) throws -> [Examination] {
        if let reflector { try checkIsInHistory(reflector) }
        let documents = try database.read { database in
            try String.fetchAll(
                database,
                sql: """
                    SELECT document FROM examination WHERE ?1 IS NULL OR reflector = ?1
                    ORDER BY started_at DESC LIMIT ?2
                    """,
                arguments: [reflector, count]
            )
        }
        return try documents.reversed().map { try JSONReport.examination(Array($0.utf8)) }
    }

    /// A known reflector may have no examination yet, and a forgotten one still has those that were made.
    private func checkIsInHistory(_ name: String) throws {
        var names = try reflectors().map(\.name)
        let examined = try database.read { database in
            try String.fetchAll(database, sql: "SELECT DISTINCT reflector FROM examination ORDER BY reflector")
        }
        names += examined.filter { !names.contains($0) }
        guard names.contains(name) else { throw ParamedicError.unknownReflector(name, known: names) }
    }

    /// The examination whose id begins with `prefix`, or the latest; among those of `reflector` when it is given.
    package func examination(_ prefix: String?, of reflector: String? = nil) throws -> Examination {
        guard let prefix else {
            guard let latest = try examinations(of: reflector, last: 1).last else {
                throw ParamedicError.noExamination(of: reflector)
            }
            return latest
        }
        if let reflector { try checkIsInHistory(reflector) }
        let documents = try database.read { database in
            try String.fetchAll(
                database,
                sql: """
                    SELECT document FROM examination
                    WHERE substr(id, 1, length(?1)) = ?1 AND (?2 IS NULL OR reflector = ?2) LIMIT 2
                    """,
                arguments: [prefix, reflector]
            )
        }
        guard documents.count == 1, let document = documents.first else {
            throw ParamedicError.unknownExamination(prefix, matches: documents.count)
        }
        return try JSONReport.examination(Array(document.utf8))
    }
}
