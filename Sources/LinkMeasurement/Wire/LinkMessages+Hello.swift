package import Identity

/// `hello`: the first message; carries the client's version and features.
package struct Hello: Codable, Sendable, Equatable {
    /// Protocol version of this package.
    package static let currentVersion = "1.0"

    package var version: String
    package var features: [String]

    package init(version: String = Self.currentVersion, features: [String]) {
        self.version = version
        self.features = features
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        version = try container.decodeText(forKey: .version, atMost: LinkText.maximumVersionLength)
        features = try LinkFeature.read(from: container.nestedUnkeyedContainer(forKey: .features))
    }
}

/// Optional abilities that either end may announce.
package enum LinkFeature {
    /// Throughput without a child process.
    package static let native = "native"
    /// Throughput through iperf3.
    package static let iperf3 = "iperf3"
    /// A throughput session that carries its own UDP echo.
    package static let latencyProbe = "latency_probe"

    /// Names of one list that are read; three are defined.
    static let mostRead = 64

    /// The first names of a list, which may be as long as a frame; skips those that are longer than any known one.
    fileprivate static func read(from list: any UnkeyedDecodingContainer) throws -> [String] {
        var list = list
        var names: [String] = []
        for _ in 0..<mostRead where !list.isAtEnd {
            let name = try list.decode(String.self)
            if name.utf8.count <= LinkText.maximumFeatureLength { names.append(name) }
        }
        return names
    }
}

/// `server_hello`: the reflector's version, features and limits.
package struct ServerHello: Codable, Sendable, Equatable {
    package var version: String
    package var features: [String]
    package var policySummary: PolicySummary
    package var networkPosition: NetworkPosition?

    package init(
        version: String,
        features: [String],
        policySummary: PolicySummary,
        networkPosition: NetworkPosition? = nil
    ) {
        self.version = version
        self.features = features
        self.policySummary = policySummary
        self.networkPosition = networkPosition
    }

    enum CodingKeys: String, CodingKey {
        case version, features
        case policySummary = "policy_summary"
        case networkPosition = "network_position"
    }
}

extension ServerHello {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            version: try container.decode(String.self, forKey: .version),
            features: try LinkFeature.read(from: container.nestedUnkeyedContainer(forKey: .features)),
            policySummary: try container.decode(PolicySummary.self, forKey: .policySummary),
            networkPosition: try container.decodeIfPresent(NetworkPosition.self, forKey: .networkPosition)
        )
    }
}

/// The limits that a client should know before it requests a test.
package struct PolicySummary: Codable, Sendable, Equatable {
    package var maxTestDurationSec: Int
    package var maxConcurrentTests: Int
    package var maxTestsPerHour: Int
    package var allowedTestTypes: [String]

    package init(maxTestDurationSec: Int, maxConcurrentTests: Int, maxTestsPerHour: Int, allowedTestTypes: [String]) {
        self.maxTestDurationSec = maxTestDurationSec
        self.maxConcurrentTests = maxConcurrentTests
        self.maxTestsPerHour = maxTestsPerHour
        self.allowedTestTypes = allowedTestTypes
    }

    enum CodingKeys: String, CodingKey {
        case maxTestDurationSec = "max_test_duration_sec"
        case maxConcurrentTests = "max_concurrent_tests"
        case maxTestsPerHour = "max_tests_per_hour"
        case allowedTestTypes = "allowed_test_types"
    }
}

/// `pair_request`: an unknown peer presents the one-time token.
package struct PairRequest: Codable, Sendable, Equatable {
    package var token: String
    /// The peer's name for the reflector's owner.
    package var label: String?

    package init(token: String, label: String? = nil) {
        self.token = token
        self.label = label
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        token = try container.decodeText(forKey: .token, atMost: LinkText.maximumTokenLength)
        label = try container.decodeTextIfPresent(forKey: .label, atMost: LinkText.maximumLabelLength)
    }
}

/// `pair_response`: whether the peer is now in the allow-list.
package struct PairResponse: Codable, Sendable, Equatable {
    package var success: Bool
    package var message: String
    /// The reflector's own ID, on success.
    package var endpointID: EndpointID?

    package init(success: Bool, message: String, endpointID: EndpointID? = nil) {
        self.success = success
        self.message = message
        self.endpointID = endpointID
    }

    enum CodingKeys: String, CodingKey {
        case success, message
        case endpointID = "endpoint_id"
    }
}

/// `error`: a request that could not be served, with a code like those of HTTP.
package struct LinkError: Codable, Sendable, Equatable, Error, CustomStringConvertible {
    package var code: Int
    package var message: String

    package init(code: Int, message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { "\(message) (code \(code))" }

    package static func badRequest(_ message: String) -> LinkError { LinkError(code: 400, message: message) }
    package static func forbidden(_ message: String) -> LinkError { LinkError(code: 403, message: message) }
    package static func notFound(_ message: String) -> LinkError { LinkError(code: 404, message: message) }
    package static func tooLong(_ message: String) -> LinkError { LinkError(code: 413, message: message) }
    package static func tooMany(_ message: String) -> LinkError { LinkError(code: 429, message: message) }
    package static func unavailable(_ message: String) -> LinkError { LinkError(code: 503, message: message) }
}

/// `status_snapshot`: a peer sees the reflector and its own counts, never another peer's.
package struct StatusSnapshot: Codable, Sendable, Equatable {
    package var endpointID: EndpointID
    package var uptimeSec: Int
    /// The caller's running test.
    package var activeTest: String?
    /// The caller's tests and bytes since midnight UTC.
    package var testsToday: Int
    package var bytesToday: Int
    package var networkPosition: NetworkPosition?

    package init(
        endpointID: EndpointID,
        uptimeSec: Int,
        activeTest: String? = nil,
        testsToday: Int,
        bytesToday: Int,
        networkPosition: NetworkPosition? = nil
    ) {
        self.endpointID = endpointID
        self.uptimeSec = uptimeSec
        self.activeTest = activeTest
        self.testsToday = testsToday
        self.bytesToday = bytesToday
        self.networkPosition = networkPosition
    }

    enum CodingKeys: String, CodingKey {
        case endpointID = "endpoint_id"
        case uptimeSec = "uptime_sec"
        case activeTest = "active_test"
        case testsToday = "tests_today"
        case bytesToday = "bytes_today"
        case networkPosition = "network_position"
    }
}
