internal import Files
internal import GRDB
internal import Identity
internal import LinkMeasurement
internal import Operations
package import Peers
internal import Storage

/// What the client stores: the reflectors that it knows, its examinations.
package final class ParamedicStore: Sendable {
    package static let databaseName = "paramedic.sqlite"

    package let folder: String
    private let database: DatabaseQueue
    private let list: any ReflectorList

    /// Opens, or creates, the state in `folder`, reflectors included.
    package convenience init(folder: String) throws {
        let database = try Self.open(folder)
        self.init(folder: folder, database: database, list: FolderReflectors(database: database))
    }

    /// Opens, or creates, the history in `folder`. The reflectors are those of `book`.
    package convenience init(folder: String, book: AddressBook) throws {
        self.init(folder: folder, database: try Self.open(folder), list: BookReflectors(book: book))
    }

    private init(folder: String, database: DatabaseQueue, list: any ReflectorList) {
        self.folder = folder
        self.database = database
        self.list = list
    }

    private static func open(_ folder: String) throws -> DatabaseQueue {
        try StateFiles.createFolder(folder)
        return try StateDatabase.open(folder + "/" + databaseName, waiting: .inPlace) { migrator in
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

    /// The folder in `PARAMEDIC_STATE`, else the user's state folder.
    package static func defaultFolder(environment: [String: String]) -> String {
        if let folder = environment["PARAMEDIC_STATE"], !folder.isEmpty { return folder }
        return UserFolders.state(environment: environment) + "/paramedic"
    }

    /// Moves the reflectors listed in `folder` into `book`, once, and returns their names there. They may be measured.
    package func takeOverReflectors(into book: AddressBook) throws -> ReflectorTakeOver? {
        guard try !book.hasTakenOver(ReflectorTakeOver.source) else { return nil }
        let known = try FolderReflectors(database: database).all()
        let peers = known.map { BookReflectors.peer($0) }
        guard let names = try book.takeOver(peers, from: ReflectorTakeOver.source, at: .now), !names.isEmpty else {
            return nil
        }
        return ReflectorTakeOver(names: zip(known.map(\.name), names).map { ($0, $1) }, from: folder, to: book.path)
    }

    // MARK: Reflectors

    package func reflectors() throws -> [KnownReflector] { try list.all() }

    /// The valid names of a reflector: text that can be typed and shown.
    package static func checkName(_ name: String) throws {
        let isVisible = name.contains { !$0.isWhitespace }
        guard isVisible, name == name.printable(limit: 64) else {
            throw ParamedicError.invalid("invalid name for a reflector: must be 1–64 printable characters")
        }
    }

    /// Stores a reflector. One with the same name and ID is updated. One with the same name and another ID is another
    /// machine, which is overwritten only with `replacing`.
    package func remember(_ reflector: KnownReflector, replacing: Bool = false) throws {
        if !replacing { try checkName(of: reflector) }
        try list.put(reflector, replacing: replacing)
    }

    /// Throws if the reflector's name belongs to another ID.
    package func checkName(of reflector: KnownReflector) throws {
        guard let known = try list.owner(of: reflector.name), known != reflector.address.endpointID else { return }
        throw ParamedicError.nameTaken(reflector.name, known: known, new: reflector.address.endpointID)
    }

    /// False if there was none with that name.
    package func forget(_ name: String) throws -> Bool { try list.remove(name) }

    package func rename(_ name: String, to new: String) throws {
        try Self.checkName(new)
        guard try name == new || list.owner(of: new) == nil else {
            throw ParamedicError.invalid("another reflector is called \"\(new)\"; remove or rename it first")
        }
        guard try list.rename(name, to: new) else { throw ParamedicError.unknownReflector(name, known: []) }
    }

    /// The reflector called `name`, or the only one.
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

    /// The latest examinations, oldest first. Throws if no reflector has, or had, the requested name.
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

    /// A known reflector may have no examination yet, and a removed one keeps its examinations.
    private func checkIsInHistory(_ name: String) throws {
        var names = try reflectors().map(\.name)
        let examined = try database.read { database in
            try String.fetchAll(database, sql: "SELECT DISTINCT reflector FROM examination ORDER BY reflector")
        }
        names += examined.filter { !names.contains($0) }
        guard names.contains(name) else { throw ParamedicError.unknownReflector(name, known: names) }
    }

    /// The examination whose ID starts with `prefix`, or the latest; only those of `reflector` if it is given.
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
