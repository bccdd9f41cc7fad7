/// How many bytes may go on a path now, and what keeps it from being more.
package struct SendAllowance: Equatable, Sendable {
    package enum Limit: Sendable {
        /// The congestion window.
        case window
        case pacer
        /// The peer's socket buffer, on paths so short that its kernel drops what does not fit.
        case receiveBuffer
        /// Too many packets are unacknowledged.
        case packetNumbers
    }

    package var bytes: Int
    package var limit: Limit
}

/// Paths, by their index from 0 to 7.
package struct PathSet: OptionSet, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }
    package init(path: Int) { rawValue = 1 << UInt8(truncatingIfNeeded: path) }

    package func contains(path: Int) -> Bool { contains(PathSet(path: path)) }
}
