internal import LinkMeasurement
internal import Synchronization

/// Closes one test, once, if its result needs its end: a direct echo, and so its counts, lasts as long as its test.
final class SessionClosing: Sendable {
    private let client: LinkClient
    private let testID: String
    private let isClosed = Atomic<Bool>(false)

    init(_ client: LinkClient, _ testID: String) {
        self.client = client
        self.testID = testID
    }

    /// Whether the test needs no other close.
    var isDone: Bool { isClosed.load(ordering: .acquiring) }

    /// The result of the test, after closing it.
    func result() async throws -> SessionResult {
        do {
            try await client.close(testID, seconds: LinkClient.resultSeconds)
        } catch LinkClientError.refused {
            // It has already ended.
        }
        isClosed.store(true, ordering: .releasing)
        return try await client.result(of: testID)
    }
}
