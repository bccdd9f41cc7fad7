internal import LinkMeasurement

/// Runs the parts of an examination one after the other and keeps the errors of those that failed. Once the reflector
/// is gone no further part is tried: what was measured until then is the result.
struct ExaminationAttempts {
    /// Seconds for an answer to the question whether the reflector is still there.
    private static let answerSeconds = 5

    private let client: LinkClient
    private(set) var failures: [NothingMeasured.Part] = []
    /// Why the reflector is gone; nil while it answers.
    private(set) var lost: (any Error)?

    init(_ client: LinkClient) {
        self.client = client
    }

    /// The result of `body`; nil if it fails or is not tried. Throws only if the task was canceled.
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
            // A failure caused by the interruption is not a failed part.
            try Task.checkCancellation()
            failures.append(.init(name: what, error: error))
            await consider(error)
            return nil
        }
    }

    /// Finds out whether the reflector is gone, if that can explain a test's failure.
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
