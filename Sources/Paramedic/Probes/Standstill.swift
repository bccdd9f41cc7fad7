internal import Operations
internal import Synchronization

/// Notices that this process did not run for a while: it was stopped, or the machine slept. What is measured then is not the
/// link, and what fails then fails because of it. No clock inside.
package final class Standstill: Sendable {
    /// A busy machine may be late by a second or two; a longer standstill is none of its load.
    private static let shortestSec = 3.0

    private let longest = Mutex(0.0)

    /// A wait took `seconds`, where `expected` were asked for.
    func note(_ seconds: Double, insteadOf expected: Double) {
        let excess = seconds - expected
        guard excess >= Self.shortestSec else { return }
        longest.withLock { $0 = max($0, excess) }
    }

    /// Looks every second, until it is cancelled.
    func watch() async throws {
        var last = ContinuousClock.now
        while true {
            try await Task.sleep(for: .seconds(1))
            let now = ContinuousClock.now
            note((now - last) / .seconds(1), insteadOf: 1)
            last = now
        }
    }

    /// What a reader must know; nil when nothing happened.
    var words: String? {
        let seconds = longest.withLock { $0 }
        guard seconds > 0 else { return nil }
        return
            "this machine or this program stood still for \(Quantity.seconds(seconds)) during the test (suspended?): "
            + "the figures hold for the rest of it"
    }

    /// The error, with the standstill as its cause where there was one.
    func explained(_ error: any Error) -> any Error {
        let seconds = longest.withLock { $0 }
        guard seconds > 0 else { return error }
        if let part = error as? PartlyMeasured {
            return PartlyMeasured(result: part.result, cause: StoodStill(seconds: seconds, error: part.cause))
        }
        return StoodStill(seconds: seconds, error: error)
    }
}

/// A test failed after this machine had stood still.
package struct StoodStill: Error, CustomStringConvertible {
    package let seconds: Double
    package let error: any Error

    package var description: String {
        "this machine or this program stood still for \(Quantity.seconds(seconds)) during the test (suspended?), and the test "
            + "ended meanwhile; run it again: \(error)"
    }
}
