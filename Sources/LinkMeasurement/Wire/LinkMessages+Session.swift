/// `session_request`: requests a test.
package struct SessionRequest: Codable, Sendable, Equatable {
    package var testType: TestType
    package var params: SessionParameters

    package init(testType: TestType, params: SessionParameters) {
        self.testType = testType
        self.params = params
    }

    enum CodingKeys: String, CodingKey {
        case testType = "test_type"
        case params
    }
}

/// The parameters of a `session_request`.
package struct SessionParameters: Codable, Sendable, Equatable {
    /// Seconds beyond a test's length until it expires: for connecting, and for iperf3's exchange of results.
    package static let setupSeconds = 10

    /// Length of the test in seconds.
    package var durationSec: Int
    package var transport: TransportProtocol?
    /// Parallel connections in each direction.
    package var streams: Int?
    /// Only from reflector to client.
    package var reverse: Bool?
    package var bidirectional: Bool?
    /// Limit in bits a second for each direction, all its streams together.
    package var bitrateBps: Int?
    package var engine: ThroughputEngine?
    /// The required mode; a reflector that is configured for the other denies the test.
    package var mode: DataMode?
    /// Also opens a UDP echo, so that latency under load can be measured.
    package var latencyProbe: Bool?
    /// Seconds that the client is ready to wait for a free slot.
    package var waitSec: Int?
    /// The client's iperf3 version, if it may be used.
    package var iperfVersion: String?

    package init(
        durationSec: Int,
        transport: TransportProtocol? = nil,
        streams: Int? = nil,
        reverse: Bool? = nil,
        bidirectional: Bool? = nil,
        bitrateBps: Int? = nil,
        engine: ThroughputEngine? = nil,
        mode: DataMode? = nil,
        latencyProbe: Bool? = nil,
        waitSec: Int? = nil,
        iperfVersion: String? = nil
    ) {
        self.durationSec = durationSec
        self.transport = transport
        self.streams = streams
        self.reverse = reverse
        self.bidirectional = bidirectional
        self.bitrateBps = bitrateBps
        self.engine = engine
        self.mode = mode
        self.latencyProbe = latencyProbe
        self.waitSec = waitSec
        self.iperfVersion = iperfVersion
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        durationSec = try container.decode(Int.self, forKey: .durationSec)
        transport = try container.decodeIfPresent(TransportProtocol.self, forKey: .transport)
        streams = try container.decodeIfPresent(Int.self, forKey: .streams)
        reverse = try container.decodeIfPresent(Bool.self, forKey: .reverse)
        bidirectional = try container.decodeIfPresent(Bool.self, forKey: .bidirectional)
        bitrateBps = try container.decodeIfPresent(Int.self, forKey: .bitrateBps)
        engine = try container.decodeIfPresent(ThroughputEngine.self, forKey: .engine)
        mode = try container.decodeIfPresent(DataMode.self, forKey: .mode)
        latencyProbe = try container.decodeIfPresent(Bool.self, forKey: .latencyProbe)
        waitSec = try container.decodeIfPresent(Int.self, forKey: .waitSec)
        iperfVersion = try container.decodeTextIfPresent(
            forKey: .iperfVersion,
            atMost: LinkText.maximumIperfVersionLength
        )
    }

    enum CodingKeys: String, CodingKey {
        case durationSec = "duration_sec"
        case transport = "protocol"
        case streams, reverse, bidirectional
        case bitrateBps = "bitrate_bps"
        case engine, mode
        case latencyProbe = "latency_probe"
        case waitSec = "wait_sec"
        case iperfVersion = "iperf3_version"
    }
}

/// `session_grant`: the test may run.
package struct SessionGrant: Codable, Sendable, Equatable {
    package var testID: String
    package var mode: DataMode
    /// 0 when tunneled.
    package var port: Int
    /// 32 hex digits.
    package var token: String
    /// RFC 3339.
    package var expiresAt: String
    package var engine: ThroughputEngine?
    /// Parallel connections in each direction that the reflector expects.
    package var streams: Int?
    package var credentials: IperfCredentials?
    package var echo: EchoGrant?

    package init(
        testID: String,
        mode: DataMode,
        port: Int,
        token: String,
        expiresAt: String,
        engine: ThroughputEngine? = nil,
        streams: Int? = nil,
        credentials: IperfCredentials? = nil,
        echo: EchoGrant? = nil
    ) {
        self.testID = testID
        self.mode = mode
        self.port = port
        self.token = token
        self.expiresAt = expiresAt
        self.engine = engine
        self.streams = streams
        self.credentials = credentials
        self.echo = echo
    }

    /// Most streams in each direction that any reflector grants (`iperf3.max_streams`).
    package static let maximumStreams = 128

    enum CodingKeys: String, CodingKey {
        case testID = "test_id"
        case mode, port, token
        case expiresAt = "expires_at"
        case engine, streams, credentials, echo
    }
}

/// What `iperf3 -c` needs to log in: the user, the password for `IPERF3_PASSWORD`, the key to encrypt them with.
package struct IperfCredentials: Codable, Sendable, Equatable {
    package var username: String
    package var password: String
    /// PEM.
    package var publicKey: String

    package init(username: String, password: String, publicKey: String) {
        self.username = username
        self.password = password
        self.publicKey = publicKey
    }

    enum CodingKeys: String, CodingKey {
        case username, password
        case publicKey = "public_key"
    }
}

/// The UDP echo beside a throughput test.
package struct EchoGrant: Codable, Sendable, Equatable {
    /// 0 when tunneled.
    package var port: Int
    /// 32 hex digits.
    package var token: String

    package init(port: Int, token: String) {
        self.port = port
        self.token = token
    }
}

/// Why a test was denied.
package enum DenyReason: String, WireName {
    case unauthorized
    case rateLimited = "rate_limited"
    case busy
    case invalidParams = "invalid_params"
    case quotaExceeded = "quota_exceeded"
}

/// `session_deny`: the test may not run; the message has the remedy.
package struct SessionDeny: Codable, Sendable, Equatable, Error {
    package var reason: DenyReason
    package var message: String
    package var retryAfterSec: Int?

    package init(reason: DenyReason, message: String, retryAfterSec: Int? = nil) {
        self.reason = reason
        self.message = message
        self.retryAfterSec = retryAfterSec
    }

    enum CodingKeys: String, CodingKey {
        case reason, message
        case retryAfterSec = "retry_after_sec"
    }
}

/// `session_close`: ends a test; only its owner may.
package struct SessionClose: Codable, Sendable, Equatable {
    package var testID: String

    package init(testID: String) { self.testID = testID }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        testID = try container.decodeText(forKey: .testID, atMost: LinkText.maximumTestIDLength)
    }

    enum CodingKeys: String, CodingKey { case testID = "test_id" }
}

/// `get_result`: asks for what the reflector measured.
package struct GetResult: Codable, Sendable, Equatable {
    package var testID: String

    package init(testID: String) { self.testID = testID }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        testID = try container.decodeText(forKey: .testID, atMost: LinkText.maximumTestIDLength)
    }

    enum CodingKeys: String, CodingKey { case testID = "test_id" }
}

/// `tunnel_open`: the first frame of a connection that will carry a test's bytes.
package struct TunnelOpen: Codable, Sendable, Equatable {
    package var testID: String
    /// The grant's token, or its echo's.
    package var token: String
    /// The direction of a native stream; the session's own direction if absent.
    package var direction: StreamDirection?

    package init(testID: String, token: String, direction: StreamDirection? = nil) {
        self.testID = testID
        self.token = token
        self.direction = direction
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        testID = try container.decodeText(forKey: .testID, atMost: LinkText.maximumTestIDLength)
        token = try container.decodeText(forKey: .token, atMost: LinkText.maximumTokenLength)
        direction = try container.decodeIfPresent(StreamDirection.self, forKey: .direction)
    }

    enum CodingKeys: String, CodingKey {
        case testID = "test_id"
        case token, direction
    }
}

/// `result`: what the reflector knows of a test. The client merges it with its own half.
package struct SessionResult: Codable, Sendable, Equatable {
    package enum State: String, Codable, Sendable { case running, completed }

    package var testID: String
    package var testType: TestType
    package var state: State
    /// Why the test ended; absent while it runs.
    package var endReason: String?
    package var durationMs: Int
    /// Bytes from client to reflector, counted against the day.
    package var bytesUp: Int
    package var bytesDown: Int
    package var throughput: ThroughputResult?
    package var echo: EchoReport?

    package init(
        testID: String,
        testType: TestType,
        state: State,
        endReason: String? = nil,
        durationMs: Int,
        bytesUp: Int,
        bytesDown: Int,
        throughput: ThroughputResult? = nil,
        echo: EchoReport? = nil
    ) {
        self.testID = testID
        self.testType = testType
        self.state = state
        self.endReason = endReason
        self.durationMs = durationMs
        self.bytesUp = bytesUp
        self.bytesDown = bytesDown
        self.throughput = throughput
        self.echo = echo
    }

    enum CodingKeys: String, CodingKey {
        case testID = "test_id"
        case testType = "test_type"
        case state
        case endReason = "end_reason"
        case durationMs = "duration_ms"
        case bytesUp = "bytes_up"
        case bytesDown = "bytes_down"
        case throughput, echo
    }
}

/// What the reflector's UDP echo counted, so that loss can be split by direction.
package struct EchoReport: Codable, Sendable, Equatable {
    /// Distinct sequence numbers that arrived.
    package var received: Int
    package var replied: Int
    package var duplicates: Int
    package var reordered: Int
    package var highestSequence: UInt64?
    /// Datagrams refused because the packet rate or the byte budget was spent.
    package var rateLimited: Int

    package init(
        received: Int,
        replied: Int,
        duplicates: Int,
        reordered: Int,
        highestSequence: UInt64? = nil,
        rateLimited: Int
    ) {
        self.received = received
        self.replied = replied
        self.duplicates = duplicates
        self.reordered = reordered
        self.highestSequence = highestSequence
        self.rateLimited = rateLimited
    }

    enum CodingKeys: String, CodingKey {
        case received, replied, duplicates, reordered
        case highestSequence = "highest_sequence"
        case rateLimited = "rate_limited"
    }
}
