internal import LinkMeasurement
internal import Synchronization

/// Closes one test, once, where its result comes with its end: a direct echo lives as long as its test, and so do its counts.
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

    /// The result of the test, which is closed for it.
    func result() async throws -> SessionResult {
        do {
            try await client.close(testID, seconds: LinkClient.resultSeconds)
        } catch LinkClientError.refused {
            // It has ended already.
        }
        isClosed.store(true, ordering: .releasing)
        return try await client.result(of: testID)
    }
}
