internal import Identity
internal import Logging
package import Operations
internal import UnixSignals

/// What SIGHUP does: it reloads the configuration and applies what can change at run time.
///
/// That is `access.authorized_peers` and `logging.level`. Other keys take effect at the next start, and the log says
/// that they differ. A configuration with errors changes nothing.
package struct Reloading: Sendable {
    private let signals: UnixSignalsSequence
    private let read: @Sendable () throws -> ReflectorConfiguration
    private let logLevel: SharedLogLevel

    /// From here on SIGHUP does not end the process.
    package init(
        logLevel: SharedLogLevel,
        read: @escaping @Sendable () throws -> ReflectorConfiguration
    ) async {
        self.signals = await UnixSignalsSequence(trapping: .sighup)
        self.logLevel = logLevel
        self.read = read
    }

    /// Answers each SIGHUP until the task is canceled.
    func run(from start: ReflectorConfiguration, on core: ReflectorCore, logger: Logger) async {
        var present = start
        for await _ in signals {
            do {
                present = await apply(try read(), after: present, on: core, logger: logger)
            } catch {
                logger.error(
                    "SIGHUP: the configuration has errors, nothing was changed",
                    metadata: ["error": "\(error)"]
                )
            }
        }
    }

    private func apply(
        _ new: ReflectorConfiguration,
        after old: ReflectorConfiguration,
        on core: ReflectorCore,
        logger: Logger
    ) async -> ReflectorConfiguration {
        var present = old
        (present.authorizedPeers, present.logLevel) = (new.authorizedPeers, new.logLevel)
        logLevel.value = (LogLevelName(rawValue: new.logLevel) ?? .info).level
        let gone = await core.governor.configure(Set(new.authorizedPeers))
        for peer in gone {
            await core.sessions.peerWillBeRemoved(peer)
            core.ledger.drop(peer)
            await core.sessions.peerRemoved(peer)
        }
        logger.notice(
            "SIGHUP: the configuration was reloaded",
            metadata: [
                "configured.peers": "\(new.authorizedPeers.count)", "dropped.peers": "\(gone.count)",
                "level": "\(new.logLevel)",
            ]
        )
        // `access.pairing_enabled` only matters at startup; the path of the file is no key.
        var rest = new
        (rest.pairingEnabled, rest.source) = (present.pairingEnabled, present.source)
        if rest != present {
            logger.warning(
                "SIGHUP: keys other than access.authorized_peers and logging.level take effect at the next start"
            )
        }
        return present
    }
}
