internal import Dispatch
internal import Glibc
internal import Logging
internal import Operations
internal import ServiceLifecycle
internal import Synchronization
internal import UnixSignals

/// The reflector as a process: logging, signals, lifetime.
package enum ServerProcess {
    /// Runs until SIGTERM or SIGINT; a second signal exits at once. SIGHUP reloads the configuration.
    ///
    /// - Parameter reading: reads the configuration again.
    /// - Parameter showsToken: whether a person sees what `onStart` prints. Otherwise `access.pairing_enabled` opens no
    ///   window: its token would end up in a log, or nowhere.
    package static func run(
        _ given: ReflectorConfiguration,
        showsToken: Bool,
        reading: @escaping @Sendable () throws -> ReflectorConfiguration,
        onStart: @escaping @Sendable (ReflectorServer.Started) -> Void
    ) async throws {
        var configuration = given
        let format = StandardErrorLog.Format(rawValue: configuration.logFormat) ?? .text
        let level = StandardErrorLog.bootstrap(
            level: LogLevelName(rawValue: configuration.logLevel) ?? .info,
            format: format
        )
        // A peer that goes away while we write causes an error of that write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        let logger = Logger(label: "reflector")
        if configuration.pairingEnabled && !showsToken {
            configuration.pairingEnabled = false
            logger.warning(
                "access.pairing_enabled opens no window, because its token is shown on a terminal only; run: reflector pair"
            )
        }
        if configuration.usesOwnFolder {
            logger.notice(
                "this user may not write in the system's state folder; using a folder of the user's own",
                metadata: ["state.folder": "\(configuration.stateFolder)"]
            )
        }
        let server = ReflectorServer(
            configuration: configuration,
            logger: logger,
            reloading: await Reloading(logLevel: level, read: reading),
            onStart: onStart
        )
        let group = ServiceGroupConfiguration(
            services: [server],
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: Logger(label: "reflector.lifecycle") {
                StandardErrorLog(label: $0, level: .warning, format: format)
            }
        )
        let impatience = SecondSignal()
        try await ServiceGroup(configuration: group).run()
        impatience.cancel()
    }
}

/// Exits at the second SIGTERM or SIGINT, whatever the shutdown is waiting for.
private final class SecondSignal: Sendable {
    private let sources: Mutex<[any DispatchSourceSignal]>

    init() {
        let count = SignalCount()
        let sources = [SIGTERM, SIGINT].map { number in
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                if count.next() > 1 { _exit(128 + number) }
            }
            source.resume()
            return source
        }
        self.sources = Mutex(sources)
    }

    func cancel() {
        sources.withLock { for source in $0 { source.cancel() } }
    }

    private final class SignalCount: Sendable {
        private let value = Atomic<Int>(0)

        func next() -> Int { value.add(1, ordering: .relaxed).newValue }
    }
}
