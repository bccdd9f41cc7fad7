package import Identity
package import LinkMeasurement
internal import Logging
internal import NIOSSL
internal import Operations

/// Measures through one reflector: a control connection, and the tests that are run with it.
package final class Examiner: Sendable {
    /// Longest wait, in seconds, that the client accepts by itself when it is denied for now.
    package static let defaultPatience = 120
    /// Longest wait in seconds for the answer to the close that ends every test; nothing depends on it.
    private static let farewellSeconds = 2

    package let address: ReflectorAddress
    package let client: LinkClient
    package let hello: ServerHello
    let context: NIOSSLContext
    /// Where external programs are.
    let iperfPath: String
    /// How every test must travel; nil leaves it to the reflector.
    private let mode: DataMode?
    private let patience: Int
    /// Told what the person at the terminal should know now.
    let notice: @Sendable (ExaminerNotice) -> Void
    private let logger = Logger(label: "paramedic")

    private init(
        address: ReflectorAddress,
        client: LinkClient,
        hello: ServerHello,
        context: NIOSSLContext,
        iperfPath: String,
        mode: DataMode?,
        patience: Int,
        notice: @escaping @Sendable (ExaminerNotice) -> Void
    ) {
        self.address = address
        self.client = client
        self.hello = hello
        self.context = context
        self.iperfPath = iperfPath
        self.mode = mode
        self.patience = patience
        self.notice = notice
    }

    /// Connects and says hello.
    /// - Parameters:
    ///   - mode: how every test must travel; a reflector that is configured for the other way runs none.
    ///   - patience: longest wait in seconds when the reflector denies a test for now.
    ///   - notice: told whenever the examiner waits, and of what it foresees.
    package static func connect(
        to address: ReflectorAddress,
        key: IdentityKey,
        iperfPath: String = "iperf3",
        mode: DataMode? = nil,
        patience: Int = Examiner.defaultPatience,
        notice: @escaping @Sendable (ExaminerNotice) -> Void
    ) async throws -> Examiner {
        let context = try LinkClient.context(for: key)
        let client = try await LinkClient.connect(to: address, context: context)
        do {
            let hello = try await client.hello()
            return Examiner(
                address: address,
                client: client,
                hello: hello,
                context: context,
                iperfPath: iperfPath,
                mode: mode,
                patience: patience,
                notice: notice
            )
        } catch {
            await client.close()
            throw error
        }
    }

    package func close() async { await client.close() }

    package var hasProbe: Bool { hello.features.contains(LinkFeature.latencyProbe) }

    /// Asks for a test; waits as long as the reflector says, and says so.
    func acquire(_ request: SessionRequest) async throws -> SessionGrant {
        let deadline = ContinuousClock.now + .seconds(patience)
        var request = request
        request.params.mode = mode
        while true {
            do {
                let grant = try await granted(request)
                logger.debug(
                    "session granted",
                    metadata: ["test.id": "\(grant.testID)", "mode": "\(grant.mode.rawValue)", "port": "\(grant.port)"]
                )
                if let asked = request.params.streams, let granted = grant.streams, granted > asked {
                    await farewell(grant.testID)
                    throw LinkClientError.unexpected("a grant of \(granted) streams where \(asked) were asked for")
                }
                if let mode, grant.mode != mode {
                    // A reflector that does not know the wish grants what it is configured for.
                    await farewell(grant.testID)
                    throw LinkClientError.wrongMode(wanted: mode, granted: grant.mode)
                }
                return grant
            } catch LinkClientError.denied(let deny) {
                guard deny.reason == .rateLimited || deny.reason == .busy,
                    let wait = deny.retryAfterSec.map({ max(1, $0) }),
                    wait <= patience,
                    ContinuousClock.now + .seconds(wait) <= deadline
                else { throw LinkClientError.denied(deny) }
                notice(.waiting(seconds: wait, for: deny, patience: patience))
                try await Task.sleep(for: .seconds(wait))
            }
        }
    }

    /// Runs `body` with a granted test and closes the test whatever happens.
    func withSession<Result: Sendable>(
        _ request: SessionRequest,
        _ body: (SessionGrant, SessionClosing) async throws -> Result
    ) async throws -> Result {
        let grant = try await acquire(request)
        let closing = SessionClosing(client, grant.testID)
        do {
            let result = try await body(grant, closing)
            if !closing.isDone { await farewell(grant.testID) }
            return result
        } catch {
            if !closing.isDone { await farewell(grant.testID) }
            throw error
        }
    }

    /// Closes the test, also when the task is cancelled: a task of its own is not.
    /// Interrupted, it still waits a moment for the answer: a test that was granted meanwhile is closed, and not found dead.
    private func granted(_ request: SessionRequest) async throws -> SessionGrant {
        try Task.checkCancellation()
        let client = client
        let asking = Task { try await client.request(request) }
        let grant = try await withTaskCancellationHandler {
            try await asking.value
        } onCancel: {
            Task {
                try? await Task.sleep(for: .seconds(Self.farewellSeconds))
                asking.cancel()
            }
        }
        guard !Task.isCancelled else {
            await farewell(grant.testID)
            throw CancellationError()
        }
        return grant
    }

    private func farewell(_ testID: String) async {
        let client = client
        await Task { try? await client.close(testID, seconds: Self.farewellSeconds) }.value
    }
}
