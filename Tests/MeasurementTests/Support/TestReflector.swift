internal import Foundation
internal import Identity
internal import Logging
internal import Operations
internal import Synchronization

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

/// A reflector inside the test, with a folder of its own and ports that the system chose.
final class TestReflector: Sendable {
    let folder: String
    let configuration: ReflectorConfiguration
    let started: ReflectorServer.Started
    private let task: Task<Void, any Error>
    private let keepsFolder: Bool

    private init(
        folder: String,
        configuration: ReflectorConfiguration,
        started: ReflectorServer.Started,
        task: Task<Void, any Error>,
        keepsFolder: Bool
    ) {
        self.folder = folder
        self.configuration = configuration
        self.started = started
        self.task = task
        self.keepsFolder = keepsFolder
    }

    var port: Int { started.listen.port }
    var address: ReflectorAddress {
        ReflectorAddress(host: host, port: port, endpointID: started.endpointID)
    }
    private var host: String { started.listen.host }

    private static let portWindow = Mutex(Int.random(in: 0..<300))

    /// Thirty ports for this server alone: what a test frees, no other test beside it takes.
    private static func dataPorts() -> ClosedRange<Int> {
        let window = portWindow.withLock { window in
            window = (window + 1) % 300
            return window
        }
        return 21_000 + 30 * window...21_029 + 30 * window
    }

    /// Starts a server; quotas do not get in the way unless `configure` says so.
    static func start(
        in given: String? = nil,
        peers: [EndpointID] = [],
        host: String = "127.0.0.1",
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        configure: (inout ReflectorConfiguration) -> Void = { _ in }
    ) async throws -> TestReflector {
        let folder = given ?? NSTemporaryDirectory() + "rt-\(UUID().uuidString.prefix(8))"
        var configuration = ReflectorConfiguration()
        configuration.privateKeyPath = folder + "/identity.ed25519"
        configuration.auditLogPath = folder + "/audit.jsonl"
        configuration.listen = ListenAddress(host: host, port: 0)
        configuration.healthListen = ListenAddress(host: host, port: 0)
        configuration.authorizedPeers = peers
        configuration.quotas.cooldownSec = 0
        configuration.quotas.maxTestsPerHourPerPeer = 1_000
        configuration.quotas.maxBytesPerDayPerPeer = 1 << 44
        configuration.dataPorts = dataPorts()
        configure(&configuration)
        let (stream, continuation) = AsyncThrowingStream.makeStream(of: ReflectorServer.Started.self)
        let server = ReflectorServer(
            configuration: configuration,
            logger: logger
        ) { started in
            continuation.yield(started)
        }
        let task = Task {
            do {
                try await server.run()
                continuation.finish()
            } catch {
                continuation.finish(throwing: error)
                throw error
            }
        }
        for try await started in stream {
            return TestReflector(
                folder: folder,
                configuration: configuration,
                started: started,
                task: task,
                keepsFolder: given != nil
            )
        }
        throw TestFailure("the server ended before it had started")
    }

    /// Runs `body` with a server and takes everything away afterwards, whatever happens.
    static func with<Result>(
        peers: [EndpointID] = [],
        host: String = "127.0.0.1",
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        configure: (inout ReflectorConfiguration) -> Void = { _ in },
        _ body: (TestReflector) async throws -> Result
    ) async throws -> Result {
        let reflector = try await start(peers: peers, host: host, logger: logger, configure: configure)
        do {
            let result = try await body(reflector)
            await reflector.stop()
            return result
        } catch {
            await reflector.stop()
            throw error
        }
    }

    /// Runs `body` with a server and a client that it knows.
    static func withExaminer(
        _ mode: DataMode,
        _ configure: (inout ReflectorConfiguration) -> Void = { _ in },
        _ body: (TestReflector, Examiner) async throws -> Void
    ) async throws {
        let key = IdentityKey()
        try await with(peers: [key.endpointID]) {
            $0.mode = mode
            configure(&$0)
        } _: { reflector in
            let examiner = try await Examiner.connect(to: reflector.address, key: key) { _ in }
            do {
                try await body(reflector, examiner)
                await examiner.close()
            } catch {
                await examiner.close()
                throw error
            }
        }
    }

    /// Shuts down in order and, unless the folder was given, removes it.
    func stop() async {
        task.cancel()
        _ = await task.result
        if !keepsFolder { try? FileManager.default.removeItem(atPath: folder) }
    }

    func ask(_ request: ControlRequest) async throws -> ControlReply {
        try await ControlClient.ask(request, folder: folder)
    }

    func openPairing(ttlSec: Int = 60) async throws -> PairingOffer {
        guard case .pairing(let offer) = try await ask(.pair(ttlSec: ttlSec)) else {
            throw TestFailure("no pairing window was opened")
        }
        return offer
    }

    func connect(_ key: IdentityKey) async throws -> LinkClient {
        try await LinkClient.connect(to: address, context: LinkClient.context(for: key))
    }

    /// The audit log's lines so far.
    func audit() throws -> [[String: Any]] {
        let text = try String(contentsOfFile: configuration.auditLogPath, encoding: .utf8)
        return try text.split(separator: "\n").compactMap {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }
    }

    /// The audit log's events of one kind.
    func audit(_ event: AuditEvent) throws -> [[String: Any]] {
        try audit().filter { $0["event_type"] as? String == event.rawValue }
    }

    /// Waits until the audit log holds `count` events of a kind: they are written when something has happened
    /// elsewhere.
    func audit(_ event: AuditEvent, count: Int) async throws -> [[String: Any]] {
        try await eventually("\(count) \(event.rawValue) in the audit log") {
            let events = try self.audit(event)
            return events.count >= count ? events : nil
        }
    }
}

struct TestFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Asks again until there is an answer: for what happens on another thread or in another process. Fails after a minute,
/// but not before it has asked often: a process that was not scheduled has not waited.
@discardableResult
func eventually<Result>(
    _ what: String,
    _ body: () async throws -> Result?
) async throws -> Result {
    let deadline = ContinuousClock.now + .seconds(60)
    var looks = 0
    while ContinuousClock.now < deadline || looks < 500 {
        looks += 1
        if let result = try await body() { return result }
        try await Task.sleep(for: .milliseconds(10))
    }
    throw TestFailure("did not happen within a minute: \(what)")
}

/// The error that `body` throws; nil when it throws none.
func failure<Result>(of body: () async throws -> Result) async -> (any Error)? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error
    }
}
