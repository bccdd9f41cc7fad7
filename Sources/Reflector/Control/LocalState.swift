package import Identity
package import Operations

/// What the command line does on the state folder itself, when no server runs on it.
package enum LocalState {
    /// The machine's ID; its key is made when there is none.
    package static func endpointID(_ configuration: ReflectorConfiguration) throws -> EndpointID {
        try StateFiles.createFolder(configuration.stateFolder)
        return try KeyFile.loadOrCreate(at: configuration.privateKeyPath).key.endpointID
    }

    /// Answers what does not need a running server. The folder is locked meanwhile, so that none can start.
    package static func answer(
        _ request: ControlRequest,
        _ configuration: ReflectorConfiguration
    ) async throws -> ControlReply {
        let folder = try StateFolder(claiming: configuration.stateFolder)
        defer { withExtendedLifetime(folder) {} }
        if case .rotateAudit = request {
            let audit = try openAudit(configuration)
            let archive = try await audit.rotateLog()
            await audit.close()
            return .auditRotated(file: archive.path, first: archive.first, last: archive.last)
        }
        let peers = PeerStore(database: try StateDatabase.open(inFolder: folder.path))
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
            // Whoever must go goes, also when that cannot be written down.
            _ = try peers.remove(peer)
            return PeerRemoval.reply(
                peer,
                isConfigured: configuration.authorizedPeers.contains(peer),
                unwritten: unwritten
            )
        case .renamePeer(let peer, let label):
            guard let cleaned = PeerStore.cleaned(label) else {
                return .failed("the label holds nothing that can be printed")
            }
            return try peers.rename(peer, to: cleaned) ? .done : .failed("\(peer) is not paired")
        case .status, .pair, .rotateIdentity, .rotateAudit:
            throw ControlSocketError.notRunning(folder: configuration.stateFolder)
        }
    }

    /// Gives the machine a new key.
    package static func rotate(_ configuration: ReflectorConfiguration) async throws -> ControlReply {
        let folder = try StateFolder(claiming: configuration.stateFolder)
        defer { withExtendedLifetime(folder) {} }
        guard let old = try KeyFile.load(at: configuration.privateKeyPath) else {
            return .failed(
                "there is no identity at \(configuration.privateKeyPath) yet; it is made by `reflector serve`"
            )
        }
        // Opened with the old key: the log's last checkpoint is signed by it.
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

    // MARK: The audit log

    package static func verifyAudit(_ configuration: ReflectorConfiguration) throws -> AuditReport {
        guard let key = try KeyFile.load(at: configuration.privateKeyPath) else {
            throw ControlSocketError.failed("there is no identity at \(configuration.privateKeyPath)")
        }
        let trust = AuditTrust.verifier(own: key.endpointID, keyPath: configuration.privateKeyPath)
        return try AuditVerifier.verify(path: configuration.auditLogPath, verify: trust)
    }

    /// Prints the lines since `since` to standard output: as they are, or as the elements of one JSON array, in which a
    /// damaged line is text.
    package static func exportAudit(_ configuration: ReflectorConfiguration, since: String?, asArray: Bool) throws {
        let from = try since.map { try AuditExport.since($0) } ?? Timestamp(microseconds: .min)
        var separator = "["
        _ = try AuditExport.copy(path: configuration.auditLogPath, since: from) { line in
            guard asArray else { return StandardOutput.write(Array(line)) }
            let content = line.dropLast()
            let isJSON = (try? JSONParser.parse(content)) != nil
            let damaged = JSONValue.string(String(decoding: content, as: UTF8.self)).text
            StandardOutput.write(Array((separator + "\n").utf8) + (isJSON ? Array(content) : Array(damaged.utf8)))
            separator = ","
        }
        if asArray { StandardOutput.write(Array((separator == "[" ? "[]\n" : "\n]\n").utf8)) }
    }

    /// Takes over a log whose checkpoint is lost or damaged, and says so in it; nil when its checkpoint is good. Refused
    /// while a server runs, and for a log whose lines were changed or are missing: that cannot be accepted.
    package static func repairAudit(_ configuration: ReflectorConfiguration) async throws -> AuditOpening? {
        let folder = try StateFolder(claiming: configuration.stateFolder)
        defer { withExtendedLifetime(folder) {} }
        guard let key = try KeyFile.load(at: configuration.privateKeyPath) else {
            throw ControlSocketError.failed("there is no identity at \(configuration.privateKeyPath)")
        }
        let report = try AuditVerifier.verify(
            path: configuration.auditLogPath,
            toleratesUnfinishedEnd: true,
            verify: AuditTrust.verifier(own: key.endpointID, keyPath: configuration.privateKeyPath)
        )
        if report.isIntact { return nil }
        guard report.flaw == nil, case .unknown = report.end else {
            throw AuditError.tampered(path: configuration.auditLogPath, problem: report.sentence)
        }
        let identity = try ServerIdentity(key: key, applicationProtocols: [configuration.alpn])
        let (log, opening) = try AuditLog.open(
            path: configuration.auditLogPath,
            signing: AuditTrust.signing(with: identity, keyPath: configuration.privateKeyPath),
            acceptsMissingCheckpoint: true
        )
        await log.close()
        return opening
    }

    private static func openAudit(_ configuration: ReflectorConfiguration) throws -> ServerAudit {
        guard let key = try KeyFile.load(at: configuration.privateKeyPath) else {
            throw ControlSocketError.failed("there is no identity at \(configuration.privateKeyPath)")
        }
        let identity = try ServerIdentity(key: key, applicationProtocols: [configuration.alpn])
        let signing = AuditTrust.signing(with: identity, keyPath: configuration.privateKeyPath)
        let (log, _) = try AuditLog.open(path: configuration.auditLogPath, signing: signing)
        return ServerAudit(log: log, endpoint: key.endpointID)
    }
}

extension PeerList {
    /// The peer with this ID or, when it is the only one, this label.
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
