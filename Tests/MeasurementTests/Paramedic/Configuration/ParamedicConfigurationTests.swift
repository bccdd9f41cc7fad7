internal import Operations
internal import TOMLConfiguration
internal import Testing
internal import UserState

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

@Suite("paramedic.toml")
struct ParamedicConfigurationTests {
    private func read(_ text: String, environment: [String: String] = [:], state: String? = nil) throws
        -> ParamedicConfiguration
    {
        let document = try TOMLDocument(parsing: Array(text.utf8), path: "paramedic.toml")
        return try ParamedicConfiguration.read(document, state: state, environment: environment)
    }

    @Test func `without a file everything is as the reference has it`() throws {
        let configuration = try ParamedicConfiguration.read(.empty, environment: ["HOME": "/home/ada"])
        #expect(configuration.source == nil)
        #expect(configuration.stateFolder == "/home/ada/.local/state/paramedic")
        #expect(configuration.userFolder?.path == "/home/ada/.local/state/outpost")
        #expect(configuration.privateKeyPath == nil && configuration.reflector == nil)
        #expect(configuration.waitSec == 120)
        #expect(configuration.streams == nil && configuration.engine == nil)
        #expect(configuration.iperfPath == "iperf3")
        #expect(configuration.logLevel == .warn && configuration.logFormat == .text)
    }

    @Test(
        arguments: [
            ("defaults", "wait_sec", "0", "-1"), ("defaults", "wait_sec", "86400", "86401"),
            ("defaults", "streams", "0", "-1"), ("defaults", "streams", "128", "129"),
            ("defaults", "engine", "\"native\"", "\"best\""), ("defaults", "reflector", "\"a\"", "1"),
            ("state", "folder", "\"/a\"", "true"), ("identity", "private_key_path", "\"/a\"", "[]"),
            ("iperf3", "path", "\"/a\"", "5"), ("logging", "level", "\"error\"", "\"loud\""),
            ("logging", "format", "\"json\"", "\"xml\""),
        ]
    )
    func `the edges of each range are taken, what lies beyond is refused with its line`(
        section: String,
        key: String,
        good: String,
        bad: String
    ) throws {
        _ = try read("[\(section)]\n\(key) = \(good)")
        let error = #expect(throws: ConfigurationError.self) { try read("[\(section)]\n\(key) = \(bad)") }
        #expect(
            error?.description.hasPrefix("paramedic.toml:2: \(section).\(key): ") == true,
            "\(error?.description ?? "")"
        )
    }

    @Test func `a misspelled variable is refused with the right one, and those of Kubernetes are ignored`() throws {
        #expect { try read("", environment: ["PARAMEDIC_DEFAULTS_STREAM": "1"]) } throws: { error in
            "\(error)".contains(
                "PARAMEDIC_DEFAULTS_STREAM: no key has this variable; did you mean PARAMEDIC_DEFAULTS_STREAMS?"
            )
        }
        _ = try read("", environment: ["PARAMEDIC_PORT": "tcp://10.0.0.1:4000", "PARAMEDIC_SERVICE_HOST": "10.0.0.1"])
    }

    @Test func `a flag beats the environment, the environment beats the file`() throws {
        let file = "[state]\nfolder = \"/file\"\n"
        #expect(try read(file).stateFolder == "/file")
        #expect(try read(file, environment: ["PARAMEDIC_STATE": "/variable"]).stateFolder == "/variable")
        #expect(try read(file, environment: ["PARAMEDIC_STATE": "/variable"], state: "/flag").stateFolder == "/flag")
    }

    @Test func `a state folder or a key that is given keeps away from what the user's tools share`() throws {
        #expect(try read("").userFolder != nil)
        for configuration in [
            try read("[state]\nfolder = \"/file\"\n"), try read("", environment: ["PARAMEDIC_STATE": "/variable"]),
            try read("", state: "/flag"), try read("[identity]\nprivate_key_path = \"/key\"\n"),
            try read("", environment: ["PARAMEDIC_IDENTITY_PRIVATE_KEY_PATH": "/key"]),
        ] { #expect(configuration.userFolder == nil) }
        #expect(try read("", state: "/flag").keyPath == "/flag/identity.ed25519")
        #expect(try read("", environment: ["PARAMEDIC_IDENTITY_PRIVATE_KEY_PATH": "/key"]).keyPath == "/key")
    }
}
