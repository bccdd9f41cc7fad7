package import LinkMeasurement

/// A test failed after something had been measured: the result is shown, and then why there is no more of it.
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
    /// What failed in the first place, where this error only says what goes with it.
    package var root: any Error {
        switch self {
        case let error as PartlyMeasured: error.cause.root
        case let error as StoodStill: error.error.root
        default: self
        }
    }
}
