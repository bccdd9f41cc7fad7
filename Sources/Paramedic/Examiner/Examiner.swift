package import Identity
package import LinkMeasurement
internal import Logging
internal import NIOSSL
internal import Operations

/// Measures through one reflector: a control connection, and the tests that run through it.
package final class Examiner: Sendable {
    /// Longest wait, in seconds, that the client accepts by default after a denial.
    package static let defaultPatience = 120
    /// Longest wait in seconds for the answer to the close that ends every test; nothing depends on it.
    private static let closeSeconds = 2

    package let address: ReflectorAddress
    package let client: LinkClient
    package let hello: ServerHello
    let context: NIOSSLContext
    /// The path of iperf3.
    let iperfPath: String
    /// The mode that every test must have; nil leaves it to the reflector.
    private let mode: DataMode?
    private let patience: Int
    /// Receives what the user should know now.
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

    /// Connects and sends `hello`.
    /// - Parameters:
    ///   - mode: the mode that every test must have; a reflector that is configured for the other one runs none.
    ///   - patience: longest wait in seconds if the reflector denies a test for now.
    ///   - notice: called whenever the examiner waits or has a remark.
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

    /// Requests a test; waits as long as the reflector asks, and says so.
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
                    await closeQuietly(grant.testID)
                    throw LinkClientError.unexpected("a grant of \(granted) streams instead of \(asked)")
                }
                if let mode, grant.mode != mode {
                    // A reflector that does not know the field grants its configured mode.
                    await closeQuietly(grant.testID)
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

    /// Runs `body` with a granted test and always closes the test.
    func withSession<Result: Sendable>(
        _ request: SessionRequest,
        _ body: (SessionGrant, SessionClosing) async throws -> Result
    ) async throws -> Result {
        let grant = try await acquire(request)
        let closing = SessionClosing(client, grant.testID)
        do {
            let result = try await body(grant, closing)
            if !closing.isDone { await closeQuietly(grant.testID) }
            return result
        } catch {
            if !closing.isDone { await closeQuietly(grant.testID) }
            throw error
        }
    }

    /// Closes the test, also if the task is canceled, because an unstructured task is not. After an interruption it
    /// still waits a moment for the answer, so that a test that was granted meanwhile is closed.
    private func granted(_ request: SessionRequest) async throws -> SessionGrant {
        try Task.checkCancellation()
        let client = client
        let asking = Task { try await client.request(request) }
        let grant = try await withTaskCancellationHandler {
            try await asking.value
        } onCancel: {
            Task {
                try? await Task.sleep(for: .seconds(Self.closeSeconds))
                asking.cancel()
            }
        }
        guard !Task.isCancelled else {
            await closeQuietly(grant.testID)
            throw CancellationError()
        }
        return grant
    }

    private func closeQuietly(_ testID: String) async {
        let client = client
        await Task { try? await client.close(testID, seconds: Self.closeSeconds) }.value
    }
}
