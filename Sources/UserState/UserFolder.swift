internal import Files
package import Identity
internal import Operations

/// The folder that all tools of a user share: one identity and one address book.
///
/// Mode 0700, the files 0600. An identity that a tool kept before is adopted: see ``open(for:)``.
package struct UserFolder: Sendable, Equatable {
    static let keyName = "identity.ed25519"
    /// Tools that had an identity in a folder of their own. The first that has one gives it to all: `paramedic` comes
    /// first, because the reflectors that it was paired with know its key.
    static let formerOwners = ["paramedic", "packetbench"]

    /// `$XDG_STATE_HOME`, or its default.
    private let stateHome: String

    package init(environment: [String: String]) { stateHome = UserFolders.state(environment: environment) }

    package var path: String { stateHome + "/outpost" }
    package var keyPath: String { path + "/" + Self.keyName }
    package var bookPath: String { path + "/peers.sqlite" }

    /// Where `tool` kept its identity before tools shared one.
    package func formerKeyPath(of tool: String) -> String { "\(stateHome)/\(tool)/\(Self.keyName)" }

    /// Creates the folder if it is missing, and adopts an identity that a tool had before.
    ///
    /// The key is written beside its place and linked into it, so that it appears atomically and never replaces
    /// another. The old file stays. Repeating this, or running it in two tools at once, changes nothing.
    ///
    /// - Parameter tool: the calling tool.
    /// - Returns: the identity that this call adopted; nil if there was nothing to do.
    /// - Throws: ``IdentityConflict`` if `tool` has an old identity that is not the shared one.
    package func open(for tool: String) throws -> IdentityTakeOver? {
        try StateFiles.createFolder(path)
        var shared = try KeyFile.load(at: keyPath)
        var taken: IdentityTakeOver?
        if shared == nil {
            for owner in Self.formerOwners {
                guard let key = try formerKey(of: owner) else { continue }
                // False if another tool was faster: its key is the shared one.
                if try KeyFile.create(key, at: keyPath) {
                    taken = IdentityTakeOver(endpointID: key.endpointID, from: formerKeyPath(of: owner), to: keyPath)
                }
                shared = try KeyFile.load(at: keyPath)
                break
            }
        }
        if let shared, Self.formerOwners.contains(tool), let own = try formerKey(of: tool),
            own.endpointID != shared.endpointID
        {
            throw IdentityConflict(
                tool: tool,
                shared: shared.endpointID,
                sharedPath: keyPath,
                former: own.endpointID,
                formerPath: formerKeyPath(of: tool)
            )
        }
        return taken
    }

    /// The identity that `tool` had; nil if it had none. Throws if its folder or file cannot be trusted or read.
    private func formerKey(of tool: String) throws -> IdentityKey? {
        guard try StateFiles.isOwnFolder("\(stateHome)/\(tool)") else { return nil }
        return try KeyFile.load(at: formerKeyPath(of: tool))
    }

    /// The identity of this user's tools; created on first use. Call ``open(for:)`` first.
    package func key() throws(KeyFileError) -> IdentityKey { try KeyFile.loadOrCreate(at: keyPath).key }
}

/// An identity that became that of all tools.
package struct IdentityTakeOver: Sendable, Equatable, CustomStringConvertible {
    package let endpointID: EndpointID
    package let from: String
    package let to: String

    package var description: String {
        "took over the identity \(endpointID) from \(from): all tools of this user share \(to) now; the old file stays"
    }
}

/// A tool has an old identity, and the tools share another one.
package struct IdentityConflict: Error, Equatable, CustomStringConvertible {
    package let tool: String
    package let shared: EndpointID
    package let sharedPath: String
    package let former: EndpointID
    package let formerPath: String

    package var description: String {
        """
        this user has two identities; nothing was changed:
          \(shared)  \(sharedPath), which all tools use
          \(former)  \(formerPath), which was \(tool)'s
        To use the first one here too, move the other file away and repeat the command; then pair again with machines that know \
        only the other one. To keep the other one, \(remedy).
        """
    }

    private var remedy: String {
        switch tool {
        case "packetbench": "give it with --key, or set PACKETBENCH_KEY"
        default: "give its folder with --state, or set \(tool.uppercased())_STATE"
        }
    }
}
