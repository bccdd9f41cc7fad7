internal import Foundation
internal import Operations
internal import Testing

/// Each key of `paramedic.toml` does what the reference says, from the file and from the environment alike.
@Suite("The effect of paramedic.toml", .timeLimit(.minutes(3)))
struct ParamedicConfigurationKeyTests {
    struct Key: Sendable, CustomTestStringConvertible {
        let section: String
        let name: String
        /// `FOLDER` stands for the test's folder.
        let value: String
        var variable: String?
        /// Settings beside it, for both ends.
        var beside: [String: String] = [:]
        /// What shows the effect.
        let command: String
        /// Whether the result is as the key has it; without the key it is not.
        let shows: @Sendable (Tool.Result, Installation) throws -> Bool

        var testDescription: String { "\(section).\(name)" }
    }

    static let keys = [
        Key(section: "state", name: "folder", value: "FOLDER/elsewhere", variable: "PARAMEDIC_STATE", command: "id") {
            FileManager.default.fileExists(atPath: $1.folder + "/elsewhere/paramedic.sqlite") && $0.code == 0
        },
        Key(section: "identity", name: "private_key_path", value: "FOLDER/own.ed25519", command: "id") {
            FileManager.default.fileExists(atPath: $1.folder + "/own.ed25519") && $0.code == 0
        },
        Key(section: "defaults", name: "reflector", value: "second", command: "path") { result, _ in
            result.code == 0 && result.output.contains("second")
        },
        Key(
            section: "defaults",
            name: "wait_sec",
            value: "0",
            // Two tools start and are denied before it is over.
            beside: ["REFLECTOR_QUOTAS_COOLDOWN_SEC": "20"],
            command: "latency -r first --duration 1"
        ) { result, _ in
            result.code == 4 && result.errors.contains("cooldown") && !result.errors.contains("waiting")
        },
        Key(
            section: "defaults",
            name: "streams",
            value: "3",
            command: "throughput -r first --duration 1 --json"
        ) { result, _ in try result.json()["streams"] as? Int == 3 },
        Key(
            section: "defaults",
            name: "engine",
            value: "iperf3",
            command: "throughput -r first --duration 1 --json"
        ) { result, _ in try result.json()["engine"] as? String == "iperf3" },
        Key(
            section: "iperf3",
            name: "path",
            value: "FOLDER/no-iperf3",
            command: "throughput -r first --duration 1 --engine iperf3"
        ) { result, installation in
            result.code == 1 && result.errors.contains(installation.folder + "/no-iperf3")
        },
        Key(
            section: "logging",
            name: "level",
            value: "debug",
            command: "latency -r first --duration 1"
        ) { result, _ in result.errors.contains("session granted") },
        Key(
            section: "logging",
            name: "format",
            value: "json",
            beside: ["PARAMEDIC_LOGGING_LEVEL": "debug"],
            command: "latency -r first --duration 1"
        ) { result, _ in
            let lines = result.errors.split(separator: "\n")
            return !lines.isEmpty
                && lines.allSatisfy { (try? JSONSerialization.jsonObject(with: Data($0.utf8))) is [String: Any] }
        },
    ]

    @Test(arguments: keys)
    func `every key has its effect, from the file and from the environment alike`(key: Key) async throws {
        try await Installation.with(key.beside) { installation in
            try await installation.serving { _ in
                try await installation.pair("--name", "first")
                try await installation.pair("--name", "second")
                let arguments = key.command.split(separator: " ").map(String.init)
                if key.name == "wait_sec" {
                    // The cooldown begins with the end of a test.
                    #expect(try await installation.paramedic("latency", "-r", "first", "--duration", "1").code == 0)
                }
                let value = key.value.replacing("FOLDER", with: installation.folder)
                let path = installation.folder + "/paramedic.toml"
                let written = Int(value) == nil ? "\"\(value)\"" : value
                try Data("[\(key.section)]\n\(key.name) = \(written)\n".utf8).write(to: URL(fileURLWithPath: path))
                let variable = key.variable ?? "PARAMEDIC_\(key.section)_\(key.name)".uppercased()
                var plain = installation.environment
                // An empty variable counts as unset.
                if key.variable != nil { plain[variable] = "" }
                let fromFile = try await Tool.run("paramedic", ["--config", path] + arguments, plain)
                #expect(try key.shows(fromFile, installation), "\(fromFile)")
                for name in ["elsewhere", "own.ed25519"] {
                    try? FileManager.default.removeItem(atPath: installation.folder + "/" + name)
                }
                plain[variable] = value
                let fromEnvironment = try await Tool.run("paramedic", arguments, plain)
                #expect(try key.shows(fromEnvironment, installation), "\(fromEnvironment)")
                // And without it there is no such effect.
                for name in ["elsewhere", "own.ed25519"] {
                    try? FileManager.default.removeItem(atPath: installation.folder + "/" + name)
                }
                plain[variable] = key.variable == nil ? "" : installation.folder + "/p"
                let without = try await Tool.run("paramedic", arguments, plain)
                #expect(try !key.shows(without, installation), "\(without)")
            }
        }
    }
}
