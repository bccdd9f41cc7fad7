/// What peers want to send to a ``Node``, as they come.
public struct IncomingTransfers: AsyncSequence, Sendable {
    public typealias Element = IncomingTransfer
    public typealias Failure = NodeError
    typealias Stream = AsyncThrowingStream<IncomingTransfer, any Error>

    let stream: Stream
    /// It receives as long as someone may iterate.
    let node: Node

    public struct AsyncIterator: AsyncIteratorProtocol {
        var iterator: Stream.AsyncIterator
        let node: Node

        /// Nil when the node was shut down. Throws a ``NodeError`` if its socket failed.
        public mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async throws(NodeError) -> IncomingTransfer? {
            do {
                let offer = try await iterator.next(isolation: actor)
                offer?.wasTaken()
                return offer
            } catch { throw NodeError(error) }
        }

        public mutating func next() async throws(NodeError) -> IncomingTransfer? { try await next(isolation: nil) }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(iterator: stream.makeAsyncIterator(), node: node) }
}
