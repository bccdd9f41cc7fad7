internal import FoundationEssentials
internal import LinkMeasurement
internal import Reflector

/// What iperf3 printed, as client and as server.
enum IPerf3Properties {
    /// A result is bounded and survives the way over the link; a failure has words.
    static func check(_ bytes: [UInt8]) throws(PropertyBroken) {
        var halves: [ThroughputResult] = []
        for role in [IPerf3Output.Role.client, .server] {
            do throws(IPerf3Output.Failure) {
                let result = try IPerf3Output.result(bytes, printedBy: role, mode: .tunneled)
                halves.append(result)
            } catch { try ErrorText.check(error) }
        }
        for half in halves { try checkBounds(half) }
        if let client = halves.first, let server = halves.last {
            try checkBounds(.merging(client: client, server: server))
        }
    }

    /// No figure is beyond its bound, bounding changes nothing more, and nor do writing and reading.
    static func checkBounds(_ result: ThroughputResult) throws(PropertyBroken) {
        try require(result.bounded() == result, "bounding a bounded result changes it")
        try require(result.directions.count <= 2, "there are \(result.directions.count) directions")
        for direction in result.directions {
            try require(
                direction.intervals.count <= ThroughputBounds.intervals,
                "there are \(direction.intervals.count) intervals"
            )
            for rate in [direction.bitsPerSecondSent, direction.bitsPerSecondReceived].compactMap({ $0 }) {
                try require((0...ThroughputBounds.bitsPerSecond).contains(rate), "a rate is \(rate) bit/s")
            }
        }
        guard let written = try? LinkJSON.encode(result),
            let again = try? LinkJSON.decode(ThroughputResult.self, from: Data(written))
        else { throw PropertyBroken("a result cannot be written and read again") }
        try require(again == result, "a result changes on its way over the link")
    }
}
