internal import NetworkProtocolTestSupport
internal import Testing

extension ConfiguredService {
    /// Runs two operations that each end at a time of their own: `late` starts first, and must not have ended when
    /// `early` has. Does not check how long anything takes. `ending` ends what `late` waits for.
    static func expect(
        _ early: @escaping @Sendable () async throws -> Void,
        before late: @escaping @Sendable () async throws -> Void,
        ending: @escaping @Sendable () async -> Void
    ) async throws {
        let isLateOver = Flag()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try? await late()
                isLateOver.set()
            }
            try await early()
            // If both had the same time, the other would end about now.
            try await Task.sleep(for: .milliseconds(300))
            let isOutOfOrder = isLateOver.isSet
            #expect(!isOutOfOrder, "the one with more time ended first")
            await ending()
        }
    }
}
