internal import LinkMeasurement
internal import Operations

/// A stream, or the tunnel of the probes, ended long before its time, and not by this end.
struct CutStream: Error, CustomStringConvertible {
    /// "stream 1 of 4 down".
    let name: String
    let afterSec: Double
    let askedSec: Int

    var description: String {
        "\(name) was cut after \(Quantity.trimmed(Quantity.seconds(afterSec))) of \(askedSec) s: the reflector, or something on the "
            + "way, ended it"
    }
}

/// No byte arrived in a measured direction.
struct NothingArrived: Error, CustomStringConvertible {
    let direction: StreamDirection
    let seconds: Int

    var description: String {
        "nothing arrived \(direction.rawValue) in \(seconds) s, although the connections were open: the network between holds "
            + "back all but a few bytes, or the reflector moves nothing"
    }
}

extension StreamEnd {
    static func isEarly(_ afterSec: Double, asked: Int) -> Bool {
        afterSec < Double(asked) - toleranceSec
    }

    /// The stream that ended first, if it ended long before its time.
    static func cut(_ ends: [StreamEnd], asked: Int) -> CutStream? {
        guard let first = ends.min(by: { $0.afterSec < $1.afterSec }), isEarly(first.afterSec, asked: asked) else {
            return nil
        }
        return CutStream(
            name: "stream \(first.number) of \(first.count) \(first.direction.rawValue)",
            afterSec: first.afterSec,
            askedSec: asked
        )
    }
}
