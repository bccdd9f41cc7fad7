package import SystemErrors

/// What a prober is to do. Durations in nanoseconds.
package struct EchoProbePlan: Sendable {
    /// 20 000 packets a second.
    package static let minimumInterval: Int64 = 50_000
    /// More than an hour at 1 000 packets a second: 152 MB of samples.
    package static let maximumCount = 4_000_000
    /// Longest wait for what is still under way, whatever the round trip: the reflector keeps a test open for little longer.
    package static let maximumGrace: Int64 = 8_000_000_000

    package var target: InternetAddress
    /// The address to send from; nil: the routing table's choice.
    package var local: InternetHost?
    package var token: AccessToken
    package var interval: Int64 = 10_000_000
    /// Probes at most; a run that is ended by `stop` sends fewer. Memory is taken for all of them.
    package var count: Int
    /// Bytes of each datagram with its header.
    package var datagramLength = EchoDatagram.headerLength
    /// How long to wait for replies after the last probe at least; twice the longest round trip where that is longer.
    package var grace: Int64 = 1_000_000_000

    package init(target: InternetAddress, token: AccessToken, count: Int) {
        self.target = target
        self.token = token
        self.count = count
    }

    /// A plan for as many probes as fit `duration` at `interval`.
    package init(target: InternetAddress, token: AccessToken, interval: Int64, duration: Int64) {
        let count = interval > 0 ? max(0, duration) / interval : 0
        self.init(target: target, token: token, count: Int(min(count, Int64(Self.maximumCount))))
        self.interval = interval
    }
}

/// Where a run stands, for a live line.
package struct EchoProgress: Sendable {
    package let sent: Int
    package let received: Int
    /// Nanoseconds; nil before the first reply.
    package let lastRoundTrip: Int64?
    /// Nanoseconds since the first probe.
    package let elapsed: Int64

    package init(sent: Int, received: Int, lastRoundTrip: Int64?, elapsed: Int64) {
        self.sent = sent
        self.received = received
        self.lastRoundTrip = lastRoundTrip
        self.elapsed = elapsed
    }
}

/// Why a run gave no samples.
package enum EchoProbeError: Error, Equatable, Sendable, CustomStringConvertible {
    case invalidPlan(String)
    case system(SystemError)

    package var description: String {
        switch self {
        case .invalidPlan(let reason): reason
        case .system(let error): error.description
        }
    }
}

extension EchoProbePlan {
    /// Time to wait after the last probe, in nanoseconds: a reply that takes twice as long as any before may still come.
    /// - Parameter longest: the longest round trip so far; nil when nothing came, and then a slow path is given more time.
    package static func grace(_ least: Int64, longest: Int64?) -> Int64 {
        let wished = longest.map { $0 > Self.maximumGrace ? Self.maximumGrace : 2 * $0 } ?? 3 * least
        return max(least, min(wished, Self.maximumGrace))
    }
    func check() throws(EchoProbeError) {
        guard self.interval >= Self.minimumInterval else {
            throw .invalidPlan("an interval of \(self.interval) ns is shorter than \(Self.minimumInterval) ns")
        }
        guard (1...Self.maximumCount).contains(self.count) else {
            throw .invalidPlan("\(self.count) probes are not between 1 and \(Self.maximumCount)")
        }
        guard (EchoDatagram.headerLength...EchoDatagram.maximumLength).contains(self.datagramLength) else {
            let range = "\(EchoDatagram.headerLength) and \(EchoDatagram.maximumLength)"
            throw .invalidPlan("a datagram of \(self.datagramLength) bytes is not between \(range) bytes")
        }
        guard self.grace >= 0, self.interval <= 3_600_000_000_000, self.grace <= 3_600_000_000_000 else {
            throw .invalidPlan("interval and grace are at most an hour, and not negative")
        }
    }
}
