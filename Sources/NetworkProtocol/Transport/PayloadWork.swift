internal import NIOPosix

/// Encodes and decodes long payloads, on threads that run neither event loops nor tasks, so a peer that keeps them busy
/// delays other long payloads, but no handler.
enum PayloadWork {
    private static var threads: NIOThreadPool { .singleton }

    /// Throws ``ConnectionError/cancelled`` if the task is canceled before the work starts.
    static func run<Value: Sendable>(
        _ work: @escaping @Sendable () throws(ConnectionError) -> Value
    ) async throws(ConnectionError) -> Value {
        do {
            return try await threads.runIfActive { try work() }
        } catch let error as ConnectionError {
            throw error
        } catch {
            throw .cancelled
        }
    }

    /// `done` is called on one of the threads.
    static func start<Value: Sendable>(
        _ work: @escaping @Sendable () throws(ConnectionError) -> Value,
        done: @escaping @Sendable (Result<Value, ConnectionError>) -> Void
    ) {
        threads.submit { state in
            // The threads stop with the process only.
            guard case .active = state else { return done(.failure(.closed)) }
            do throws(ConnectionError) {
                done(.success(try work()))
            } catch {
                done(.failure(error))
            }
        }
    }
}
