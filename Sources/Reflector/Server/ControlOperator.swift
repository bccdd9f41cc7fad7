internal import Glibc
internal import Identity
internal import Logging
internal import Operations
internal import Pairing

/// Executes the command line's requests to the running server. Access to the socket is access to everything it does.
struct ControlOperator: Sendable {
    let core: ReflectorCore
    let configuration: ReflectorConfiguration
    let listen: ListenAddress
    let health: ListenAddress?
    let folder: String

    func answer(_ request: ControlRequest) async -> ControlReply {
        do {
            switch request {
            case .status: return .status(await status())
            case .pair(let ttlSec): return .pairing(try await openPairing(ttlSec: ttlSec))
            case .listPeers:
                return .peers(
                    PeerList(
                        paired: await core.governor.pairedPeers(),
                        configured: await core.governor.configuredPeers()
                    )
                )
            case .removePeer(let peer): return try await remove(peer)
            case .renamePeer(let peer, let label): return try await rename(peer, to: label)
            case .rotateIdentity: return try await rotate()
            case .rotateAudit:
                let archive = try await core.audit.rotateLog()
                return .auditRotated(file: archive.path, first: archive.first, last: archive.last)
            }
        } catch {
            core.logger.error("control request failed", metadata: ["error": "\(error)"])
            return .failed("\(error)")
        }
    }

    func openPairing(ttlSec: Int) async throws -> PairingOffer {
        let ttl = try PairingTTL(asking: ttlSec)
        let token = PairingToken.random()
        try await core.audit.pairingEnabled(ttlSeconds: ttl.seconds)
        await core.governor.openPairing(token, for: ttl)
        return PairingOffer(
            endpointID: core.identity.current.endpointID,
            token: token.text,
            ttlSec: ttl.seconds,
            host: listen.host,
            port: listen.port
        )
    }

    private func status() async -> ServerStatus {
        ServerStatus(
            endpointID: core.identity.current.endpointID,
            bindAddress: listen.description,
            healthAddress: health?.description,
            mode: configuration.mode,
            dataDir: folder,
            version: BuildVersion.line,
            pid: Int(getpid()),
            uptimeSec: core.uptimeSeconds,
            connections: core.ledger.counts.open,
            pairedPeers: await core.governor.pairedPeers().count,
            configuredPeers: await core.governor.configuredPeers().count,
            runningTests: await core.governor.runningTests().keys.sorted(),
            pairingOpenSec: await core.governor.pairingRemaining().map { Int($0 / 1_000_000_000) },
            auditHealthy: core.audit.isHealthy,
            auditProblem: core.audit.log.refusal?.description
        )
    }

    private func remove(_ peer: EndpointID) async throws -> ControlReply {
        guard await core.governor.knows(peer) else {
            return .failed(
                await core.governor.isConfigured(peer)
                    ? "\(peer) is in access.authorized_peers; remove it there and send SIGHUP, or restart"
                    : "\(peer) is not paired"
            )
        }
        let unwritten = await failure { try await core.audit.peerRemoved(peer) }
        // The peer is removed even if the removal cannot be logged.
        let unstored = await failure { try await core.governor.remove(peer) }
        let isConfigured = await core.governor.isConfigured(peer)
        if !isConfigured {
            await core.sessions.peerWillBeRemoved(peer)
            core.ledger.drop(peer)
            await core.sessions.peerRemoved(peer)
        }
        return PeerRemoval.reply(peer, isConfigured: isConfigured, unwritten: unwritten, unstored: unstored)
    }

    private func failure(of work: () async throws -> Void) async -> (any Error)? {
        do {
            try await work()
            return nil
        } catch {
            core.logger.error("a removal could not be logged", metadata: ["error": "\(error)"])
            return error
        }
    }

    private func rename(_ peer: EndpointID, to label: String) async throws -> ControlReply {
        let label = try PeerStore.label(checking: label)
        return try await core.governor.rename(peer, to: label) ? .done : .failed("\(peer) is not paired")
    }

    private func rotate() async throws -> ControlReply {
        let key = IdentityKey()
        // Everything that can fail comes first.
        let next = try core.identity.prepare(key)
        return try await IdentityRotation.perform(
            keyPath: configuration.privateKeyPath,
            from: core.identity.current.endpointID,
            to: key,
            audit: core.audit
        ) {
            core.identity.change(to: next)
            core.ledger.dropAll()
        }
    }
}
