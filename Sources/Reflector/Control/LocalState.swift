package import Identity
internal import Operations
internal import Pairing
internal import Storage

/// What the command line does in the state folder itself if no server runs on it.
package enum LocalState {
    /// Creates the state folder if it is missing.
    package static func makeFolder(_ configuration: ReflectorConfiguration) throws {
        try StateFolder.make(configuration.stateFolder, for: .reflector)
    }

    /// The machine's ID; creates its key if there is none.
    package static func endpointID(_ configuration: ReflectorConfiguration) throws -> EndpointID {
        try makeFolder(configuration)
        return try KeyFile.loadOrCreate(at: configuration.privateKeyPath).key.endpointID
    }

    /// Answers requests that do not need a running server. The folder is locked meanwhile, so that none can start.
    package static func answer(
        _ request: ControlRequest,
        _ configuration: ReflectorConfiguration
    ) async throws -> ControlReply {
        let folder = try StateFolder(claiming: configuration.stateFolder, for: .reflector)
        defer { withExtendedLifetime(folder) {} }
        if case .rotateAudit = request {
            try requireLog(configuration)
            let audit = try openAudit(configuration)
            let archive = try await audit.rotateLog()
            await audit.close()
            return .auditRotated(file: archive.path, first: archive.first, last: archive.last)
        }
        let peers = PeerStore(database: try ReflectorDatabase.open(inFolder: folder.path))
        switch request {
        case .listPeers:
            return .peers(PeerList(paired: try peers.all(), configured: configuration.authorizedPeers))
        case .removePeer(let peer):
            guard try peers.all().contains(where: { $0.endpointID == peer }) else {
                return .failed("\(peer) is not paired")
            }
            var unwritten: (any Error)?
            do {
                let audit = try openAudit(configuration)
                do { try await audit.peerRemoved(peer) } catch { unwritten = error }
                await audit.close()
            } catch { unwritten = error }
            // The peer is removed even if the removal cannot be logged.
            _ = try await BusyDatabase.retrying { try peers.remove(peer) }
            return PeerRemoval.reply(
                peer,
                isConfigured: configuration.authorizedPeers.contains(peer),
                unwritten: unwritten
            )
        case .renamePeer(let peer, let label):
            let label = try PeerStore.label(checking: label)
            return try await BusyDatabase.retrying { try peers.rename(peer, to: label) }
                ? .done : .failed("\(peer) is not paired")
        case .status, .pair, .rotateIdentity, .rotateAudit:
            throw ControlSocketError.notRunning(
                folder: configuration.stateFolder,
                usesOwnFolder: configuration.usesOwnFolder
            )
        }
    }

    /// Gives the machine a new key.
    package static func rotate(_ configuration: ReflectorConfiguration) async throws -> ControlReply {
        let folder = try StateFolder(claiming: configuration.stateFolder, for: .reflector)
        defer { withExtendedLifetime(folder) {} }
        let old = try existingKey(configuration)
        // Opened with the old key, which signed the log's last checkpoint.
        let audit = try openAudit(configuration)
        do {
            let reply = try await IdentityRotation.perform(
                keyPath: configuration.privateKeyPath,
                from: old.endpointID,
                to: IdentityKey(),
                audit: audit
            )
            await audit.close()
            return reply
        } catch {
            await audit.close()
            throw error
        }
    }

    static func openAudit(_ configuration: ReflectorConfiguration) throws -> ServerAudit {
        let key = try existingKey(configuration)
        let identity = try ServerIdentity(key: key, applicationProtocols: [configuration.alpn])
        let signing = AuditTrust.signing(with: identity, keyPath: configuration.privateKeyPath)
        let (log, _) = try AuditLog.open(path: configuration.auditLogPath, signing: signing, layout: .reflector)
        return ServerAudit(log: log, endpoint: key.endpointID)
    }

    /// The machine's key; throws if there is none.
    static func existingKey(_ configuration: ReflectorConfiguration) throws -> IdentityKey {
        guard let key = try KeyFile.load(at: configuration.privateKeyPath) else {
            throw ControlSocketError.failed(
                "there is no identity at \(configuration.privateKeyPath) yet; `reflector serve` creates one. If the reflector "
                    + "runs with another configuration, name that with --config"
            )
        }
        return key
    }
}

extension PeerList {
    /// The peer with this ID or, if it is unique, this label.
    package func find(_ text: String) throws -> EndpointID {
        if let id = try? EndpointID(parsing: text) { return id }
        let named = paired.filter { $0.label == text }
        if named.count == 1, let peer = named.first { return peer.endpointID }
        if named.count > 1 {
            throw ControlSocketError.failed("\(named.count) peers are called \"\(text)\"; give the Endpoint ID")
        }
        do {
            return try EndpointID(parsing: text)
        } catch {
            throw ControlSocketError.failed("no peer is called \"\(text)\", and it is not an Endpoint ID: \(error)")
        }
    }
}
