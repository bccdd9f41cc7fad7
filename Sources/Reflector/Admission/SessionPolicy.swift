internal import LinkMeasurement

/// What is known of a peer when it requests a test. Times are Unix milliseconds.
struct PeerUsage: Equatable {
    /// Starts of the peer's tests within the last hour, oldest first.
    var startsWithinHour: [Int64] = []
    /// When the peer's last test ended; nil if it never had one.
    var lastEnd: Int64?
    /// Bytes charged to the peer today.
    var bytesToday = 0
    /// Those of them that a running test of the peer holds; unused bytes are returned.
    var bytesHeld = 0
    /// Running tests of all peers.
    var runningTests = 0
}

/// Decides on a request for a test from what is known: no clock, no store.
struct SessionPolicy {
    static let millisecondsPerHour: Int64 = 3_600_000
    static let millisecondsPerDay: Int64 = 86_400_000
    /// Most seconds that a client may wait for a slot.
    static let maximumWaitSec = 3_600

    let quotas: Quotas
    let mode: DataMode

    /// The request with every default filled in, or why it cannot be served. By default the engine is native if the
    /// client has it, and iperf3 otherwise.
    /// - Parameter iperf: the reflector's iperf3; nil if it is not installed.
    func validate(
        _ request: SessionRequest,
        clientHasNative: Bool,
        iperf: IperfProgram? = IperfProgram(path: "iperf3", version: nil)
    ) throws(SessionDeny) -> SessionParameters {
        guard quotas.allows(request.testType) else {
            throw invalid(
                "\(request.testType.rawValue) tests are disabled here; "
                    + "allowed: \(quotas.allowedTestTypes.map(\.rawValue).joined(separator: ", "))"
            )
        }
        var params = request.params
        guard (1...quotas.maxTestDurationSec).contains(params.durationSec) else {
            throw invalid("invalid duration_sec \(params.durationSec): must be 1–\(quotas.maxTestDurationSec)")
        }
        if let wait = params.waitSec, !(0...Self.maximumWaitSec).contains(wait) {
            throw invalid("invalid wait_sec \(wait): must be 0–\(Self.maximumWaitSec)")
        }
        if let bitrate = params.bitrateBps, bitrate < 1 {
            throw invalid("invalid bitrate_bps \(bitrate): must be at least 1")
        }
        if let wished = params.mode, wished != mode {
            throw invalid(
                "this reflector is configured for \(mode.rawValue) tests, but the request demands \(wished.rawValue); "
                    + "its owner decides, with network.mode in its reflector.toml"
            )
        }
        guard request.testType == .throughput else {
            // Nothing else applies to an echo; the peer's other values are dropped.
            return SessionParameters(durationSec: params.durationSec, waitSec: params.waitSec)
        }

        let streams = params.streams ?? min(quotas.defaultStreams, quotas.maxStreams)
        guard (1...quotas.maxStreams).contains(streams) else {
            throw invalid("invalid streams \(streams): must be 1–\(quotas.maxStreams)")
        }
        params.streams = streams
        if params.reverse == true, params.bidirectional == true {
            throw invalid("reverse and bidirectional exclude each other")
        }
        params.transport = params.transport ?? .tcp
        if params.transport == .udp {
            guard mode == .directEphemeral else {
                throw invalid("UDP throughput cannot run inside TLS; this reflector is in tunneled mode, use tcp")
            }
            if params.engine == .native {
                throw invalid("the native engine supports TCP only; use engine iperf3 for UDP")
            }
            params.engine = .iperf3
        }
        params.engine = params.engine ?? (clientHasNative ? .native : .iperf3)
        if params.engine == .iperf3 {
            guard let iperf else {
                throw invalid(
                    "the reflector has no working iperf3; use engine native, or install it there"
                )
            }
            let version = params.iperfVersion.flatMap(IperfVersion.init)
            if params.iperfVersion != nil, version == nil {
                throw invalid("invalid iperf3_version: must be a version such as 3.17.1, at most 32 bytes of ASCII")
            }
            if let incompatibility = iperf.incompatibility(of: version) { throw invalid(incompatibility) }
        }
        if params.latencyProbe == true, !quotas.allowUDPEcho {
            throw invalid("latency_probe needs udp_echo tests, which are disabled here")
        }
        return params
    }

    /// Throws the denial that `usage` requires at `now`.
    func admit(_ usage: PeerUsage, now: Int64) throws(SessionDeny) {
        if let lastEnd = usage.lastEnd {
            let cooldown = Int64(quotas.cooldownSec) * 1_000
            let elapsed = now - lastEnd
            // An end further ahead than the cooldown means that the clock was set back: it must lock no peer out.
            if elapsed < cooldown, elapsed >= -cooldown {
                throw limited(
                    "the cooldown between tests is \(quotas.cooldownSec) s",
                    afterMilliseconds: cooldown - max(elapsed, 0)
                )
            }
        }
        if usage.startsWithinHour.count >= quotas.maxTestsPerHourPerPeer {
            // The slot becomes free when the oldest of the last N starts leaves the hour.
            let leaving = usage.startsWithinHour.suffix(quotas.maxTestsPerHourPerPeer).first ?? now
            throw limited(
                "the limit of \(quotas.maxTestsPerHourPerPeer) tests an hour is used up",
                afterMilliseconds: leaving + Self.millisecondsPerHour - now
            )
        }
        if usage.bytesToday - usage.bytesHeld >= quotas.maxBytesPerDayPerPeer {
            throw SessionDeny(
                reason: .quotaExceeded,
                message:
                    "today's limit of \(quotas.maxBytesPerDayPerPeer) bytes is used up; it resets at midnight UTC",
                retryAfterSec: seconds(Self.millisecondsPerDay - now % Self.millisecondsPerDay)
            )
        }
        if usage.runningTests >= quotas.maxConcurrentTests {
            throw SessionDeny(
                reason: .busy,
                message: usage.runningTests == 1
                    ? "another test is running; try again when it has ended"
                    : "\(usage.runningTests) tests are running; try again when one has ended",
                retryAfterSec: nil
            )
        }
        if usage.bytesToday >= quotas.maxBytesPerDayPerPeer {
            throw SessionDeny(
                reason: .busy,
                message: "a running test of yours holds the rest of today's bytes; try again when it has ended",
                retryAfterSec: nil
            )
        }
    }

    private func invalid(_ message: String) -> SessionDeny {
        SessionDeny(reason: .invalidParams, message: message, retryAfterSec: nil)
    }

    private func limited(_ message: String, afterMilliseconds: Int64) -> SessionDeny {
        let wait = seconds(afterMilliseconds)
        return SessionDeny(reason: .rateLimited, message: "\(message); try again in \(wait) s", retryAfterSec: wait)
    }

    private func seconds(_ milliseconds: Int64) -> Int {
        Int(max(1, (milliseconds + 999) / 1_000))
    }
}
