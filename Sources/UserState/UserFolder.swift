internal import Files
package import Identity
internal import Operations

/// The folder that all tools of a user share: one identity and one address book.
///
/// Mode 0700, the files 0600. Tools that kept an identity of their own before have it taken over: see ``open(for:)``.
package struct UserFolder: Sendable, Equatable {
    static let keyName = "identity.ed25519"
    /// Tools that had an identity in a folder of their own. The first that has one gives it to all: `paramedic` comes first,
    /// because the reflectors that it was paired with know its key.
    static let formerOwners = ["paramedic", "packetbench"]

    /// `$XDG_STATE_HOME`, or what stands for it.
    private let stateHome: String

    package init(environment: [String: String]) { stateHome = UserFolders.state(environment: environment) }

    package var path: String { stateHome + "/outpost" }
    package var keyPath: String { path + "/" + Self.keyName }
    package var bookPath: String { path + "/peers.sqlite" }

    /// Where `tool` kept its identity before tools shared one.
    package func formerKeyPath(of tool: String) -> String { "\(stateHome)/\(tool)/\(Self.keyName)" }

    /// Makes the folder when it is missing, and takes an identity over that a tool had before.
    ///
    /// The key is written beside its place and linked into it, so that it is there whole or not at all, and never replaces
    /// another. The old file stays. Doing it again, or in two tools at once, changes nothing.
    ///
    /// - Parameter tool: which tool asks.
    /// - Returns: whose identity was taken over in this call; nil when there was nothing to do.
    /// - Throws: ``IdentityConflict`` when `tool` has an identity of before that is not the shared one.
    package func open(for tool: String) throws -> IdentityTakeOver? {
        try StateFiles.createFolder(path)
        var shared = try KeyFile.load(at: keyPath)
        var taken: IdentityTakeOver?
        if shared == nil {
            for owner in Self.formerOwners {
                guard let key = try formerKey(of: owner) else { continue }
                // False when another tool was faster: theirs is the shared one.
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

    /// The identity that `tool` had; nil when it had none. Throws when its folder or file cannot be trusted or read.
    private func formerKey(of tool: String) throws -> IdentityKey? {
        guard try StateFiles.isOwnFolder("\(stateHome)/\(tool)") else { return nil }
        return try KeyFile.load(at: formerKeyPath(of: tool))
    }

    /// The identity of this user's tools; made on first use. Call ``open(for:)`` before.
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

/// A tool has an identity of before, and the tools share another.
package struct IdentityConflict: Error, Equatable, CustomStringConvertible {
    package let tool: String
    package let shared: EndpointID
    package let sharedPath: String
    package let former: EndpointID
    package let formerPath: String

    package var description: String {
        """
        this user has two identities, and nothing was taken over or changed:
          \(shared)  \(sharedPath), which all tools use
          \(former)  \(formerPath), which was \(tool)'s
        To use the first here too, move the other file away and repeat the command; then pair again with machines that know \
        the other one only. To go on with the other one, \(remedy).
        """
    }

    private var remedy: String {
        switch tool {
        case "packetbench": "give it with --key, or set PACKETBENCH_KEY"
        default: "give its folder with --state, or set \(tool.uppercased())_STATE"
        }
    }
}
