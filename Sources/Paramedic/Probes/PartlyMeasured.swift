package import LinkMeasurement

/// A test failed after something had been measured: the result is shown, followed by the reason why there is no more of
/// it.
package struct PartlyMeasured: Error, CustomStringConvertible {
    package enum Result: Sendable {
        case throughput(ThroughputResult)
        case latency(LatencyResult)
    }

    package let result: Result
    package let cause: any Error

    package var description: String { "\(cause)" }
}

extension Error {
    /// The original failure, if this error only wraps it.
    package var root: any Error {
        switch self {
        case let error as PartlyMeasured: error.cause.root
        case let error as SuspendedDuringTest: error.error.root
        default: self
        }
    }
}
