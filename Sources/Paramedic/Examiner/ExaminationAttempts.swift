internal import LinkMeasurement

/// Runs the parts of an examination one after the other and keeps why those failed that did. Once the reflector is gone no
/// further part is tried: what was measured until then is the result.
struct ExaminationAttempts {
    /// Seconds for an answer to the question whether the reflector is still there.
    private static let answerSeconds = 5

    private let client: LinkClient
    private(set) var failures: [NothingMeasured.Part] = []
    /// Why the reflector cannot be asked any more.
    private(set) var lost: (any Error)?

    init(_ client: LinkClient) {
        self.client = client
    }

    /// The result of `body`; nil when it fails or is not tried. Throws only when the task was cancelled.
    mutating func attempt<Result: Sendable>(
        _ what: String,
        _ body: () async throws -> Result
    ) async throws -> Result? {
        if let lost {
            failures.append(.init(name: what, error: lost))
            return nil
        }
        do {
            return try await body()
        } catch {
            // Whatever failed because of the interruption is no part that failed.
            try Task.checkCancellation()
            failures.append(.init(name: what, error: error))
            await consider(error)
            return nil
        }
    }

    /// Finds out whether the reflector is gone, when a test failed in a way that this can explain.
    mutating func consider(_ error: any Error) async {
        switch error.root {
        case LinkClientError.denied, LinkClientError.wrongMode, LinkClientError.refused, LinkClientError.endedEarly:
            return
        default: break
        }
        if client.isOpen, (try? await client.ask(.getStatus, seconds: Self.answerSeconds)) != nil { return }
        lost = error
    }
}
