package import LinkMeasurement
package import PacketIO
package import SystemErrors

/// What a prober sends. Durations in nanoseconds.
package struct EchoProbePlan: Sendable {
    /// 20 000 packets a second.
    package static let minimumInterval: Int64 = 50_000
    /// More than an hour at 1 000 packets a second: 152 MB of samples.
    package static let maximumCount = 4_000_000
    /// Longest wait for probes in flight, whatever the round trip: the reflector keeps a test open only a little
    /// longer.
    package static let maximumGrace: Int64 = 8_000_000_000

    package var target: InternetAddress
    /// The address to send from; nil: the routing table decides.
    package var local: InternetHost?
    package var token: AccessToken
    package var interval: Int64 = 10_000_000
    /// Most probes; a run that is ended by `stop` sends fewer. Memory for all of them is allocated.
    package var count: Int
    /// Bytes of each datagram with its header.
    package var datagramLength = EchoDatagram.headerLength
    /// The least time to wait for replies after the last probe; twice the longest round trip if that is longer.
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

/// The progress of a run, for a live line.
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

/// Why a run has no samples.
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
    /// Time to wait after the last probe, in nanoseconds: a reply that takes twice as long as any before may still
    /// arrive.
    /// - Parameter longest: the longest round trip so far; nil if nothing arrived, which gives a slow path more time.
    package static func grace(_ least: Int64, longest: Int64?) -> Int64 {
        let wished = longest.map { $0 > Self.maximumGrace ? Self.maximumGrace : 2 * $0 } ?? 3 * least
        return max(least, min(wished, Self.maximumGrace))
    }
    func check() throws(EchoProbeError) {
        guard interval >= Self.minimumInterval else {
            throw .invalidPlan("invalid interval of \(interval) ns: must be at least \(Self.minimumInterval) ns")
        }
        guard (1...Self.maximumCount).contains(count) else {
            throw .invalidPlan("invalid number of probes \(count): must be 1–\(Self.maximumCount)")
        }
        guard (EchoDatagram.headerLength...EchoDatagram.maximumLength).contains(datagramLength) else {
            let range = "\(EchoDatagram.headerLength)–\(EchoDatagram.maximumLength)"
            throw .invalidPlan("invalid datagram of \(datagramLength) bytes: must be \(range)")
        }
        guard grace >= 0, interval <= 3_600_000_000_000, grace <= 3_600_000_000_000 else {
            throw .invalidPlan("invalid interval or grace: must be at most an hour, and not negative")
        }
    }
}
