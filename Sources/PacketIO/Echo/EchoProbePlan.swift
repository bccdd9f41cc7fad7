package import SystemErrors

/// What a prober is to do. Durations in nanoseconds.
package struct EchoProbePlan: Sendable {
    /// 20 000 packets a second.
    package static let minimumInterval: Int64 = 50_000
    /// An hour at 1 000 packets a second: 137 MB of samples.
    package static let maximumCount = 3_600_000

    package var target: InternetAddress
    /// The address to send from; nil: the routing table's choice.
    package var local: InternetHost?
    package var token: AccessToken
    package var interval: Int64 = 10_000_000
    /// Probes at most; a run that is ended by `stop` sends fewer. Memory is taken for all of them.
    package var count: Int
    /// Bytes of each datagram with its header.
    package var datagramLength = EchoDatagram.headerLength
    /// How long to wait for replies after the last probe.
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
