package import GRDB
package import Identity

/// The paired peers, in a table of a tool's SQLite file.
package struct PeerStore: PairedStore {
    /// Longest label in bytes.
    package static let maximumLabelLength = 64
    /// Most paired peers: each needs a pairing by hand, so this many is a mistake or an attack.
    package static let maximumPeers = 10_000

    /// Creates the table, in a migration of the file. `paired_at` is in Unix milliseconds.
    package static let schema = """
        CREATE TABLE peer (
            endpoint_id TEXT PRIMARY KEY NOT NULL,
            label TEXT,
            paired_at INTEGER NOT NULL,
            paired_from TEXT
        ) STRICT, WITHOUT ROWID;
        """

    private let database: DatabaseQueue

    package init(database: DatabaseQueue) { self.database = database }

    package func all() throws -> [PairedPeer] {
        try database.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM peer ORDER BY paired_at").compactMap(Self.peer)
        }
    }

    /// Adds a peer, or updates the label and origin of a known one.
    package func add(_ peer: PairedPeer) throws {
        try database.write { database in
            try database.execute(
                sql: """
                    INSERT INTO peer (endpoint_id, label, paired_at, paired_from) VALUES (?, ?, ?, ?)
                    ON CONFLICT (endpoint_id) DO UPDATE SET label = coalesce(excluded.label, label),
                        paired_at = excluded.paired_at, paired_from = excluded.paired_from
                    """,
                arguments: [peer.endpointID.description, peer.label, peer.pairedAt, peer.pairedFrom]
            )
        }
    }

    /// False if the peer was not there.
    package func remove(_ id: EndpointID) throws -> Bool {
        try database.write { database in
            try database.execute(sql: "DELETE FROM peer WHERE endpoint_id = ?", arguments: [id.description])
            return database.changesCount > 0
        }
    }

    /// False if the peer was not there.
    package func rename(_ id: EndpointID, to label: String) throws -> Bool {
        try database.write { database in
            try database.execute(
                sql: "UPDATE peer SET label = ? WHERE endpoint_id = ?",
                arguments: [label, id.description]
            )
            return database.changesCount > 0
        }
    }

    private static func peer(_ row: Row) -> PairedPeer? {
        guard let text = row["endpoint_id"] as String?, let id = try? EndpointID(parsing: text) else { return nil }
        return PairedPeer(
            endpointID: id,
            label: row["label"],
            pairedAt: row["paired_at"],
            pairedFrom: row["paired_from"]
        )
    }

    /// A label from its owner, unchanged; throws if it would have to be changed.
    package static func label(checking text: String) throws(MalformedLabel) -> String {
        guard cleaned(text) == text else { throw MalformedLabel() }
        return text
    }

    package struct MalformedLabel: Error, CustomStringConvertible {
        package var description: String {
            "invalid label: must be 1–\(PeerStore.maximumLabelLength) bytes of printable text, "
                + "without line breaks, spaces at its ends or two spaces in a row"
        }
    }

    /// A label that is safe for a terminal: printable, trimmed, at most ``maximumLabelLength`` bytes.
    package static func cleaned(_ label: String?) -> String? {
        guard let label else { return nil }
        var text = ""
        for scalar in label.unicodeScalars {
            let properties = scalar.properties
            switch properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: continue
            default: break
            }
            if text.utf8.count + scalar.utf8.count > maximumLabelLength { break }
            text.unicodeScalars.append(scalar)
        }
        let trimmed = text.split(separator: " ").joined(separator: " ")
        return trimmed.isEmpty ? nil : trimmed
    }
}
