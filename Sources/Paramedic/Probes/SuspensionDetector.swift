internal import Operations
internal import Synchronization

/// Detects that this process did not run for a while: it was stopped, or the machine was suspended. What is measured
/// then is not the link, and failures then are caused by it. No clock inside.
package final class SuspensionDetector: Sendable {
    /// A busy machine may be late by a second or two; a longer pause is not caused by its load.
    private static let shortestSec = 3.0

    private let longest = Mutex(0.0)

    /// A wait took `seconds` instead of `expected`.
    func note(_ seconds: Double, insteadOf expected: Double) {
        let excess = seconds - expected
        guard excess >= Self.shortestSec else { return }
        longest.withLock { $0 = max($0, excess) }
    }

    /// Checks every second, until it is canceled.
    func watch() async throws {
        var last = ContinuousClock.now
        while true {
            try await Task.sleep(for: .seconds(1))
            let now = ContinuousClock.now
            note((now - last) / .seconds(1), insteadOf: 1)
            last = now
        }
    }

    /// What a reader must know; nil if nothing happened.
    var words: String? {
        let seconds = longest.withLock { $0 }
        guard seconds > 0 else { return nil }
        return
            "this machine or this program paused for \(Quantity.seconds(seconds)) during the test (suspended?): "
            + "the figures cover the rest of it"
    }

    /// The error, with the pause as its cause if there was one.
    func explained(_ error: any Error) -> any Error {
        let seconds = longest.withLock { $0 }
        guard seconds > 0 else { return error }
        if let part = error as? PartlyMeasured {
            return PartlyMeasured(result: part.result, cause: SuspendedDuringTest(seconds: seconds, error: part.cause))
        }
        return SuspendedDuringTest(seconds: seconds, error: error)
    }
}

/// A test failed after this machine had paused.
package struct SuspendedDuringTest: Error, CustomStringConvertible {
    package let seconds: Double
    package let error: any Error

    package var description: String {
        "this machine or this program paused for \(Quantity.seconds(seconds)) during the test (suspended?), and the test "
            + "ended meanwhile; run it again: \(error)"
    }
}
