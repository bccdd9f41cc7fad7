internal import Foundation
internal import Logging
internal import NetworkProtocol
internal import NetworkProtocolTestSupport
internal import TemporaryFolders
internal import Testing

@testable import NetworkProtocolConfiguration

/// What a running daemon logs, depending on the keys of `[logging]`.
@Suite(.timeLimit(.minutes(1))) struct LoggingKeyTests {
    /// The console lines of a daemon that starts, has one client, and stops.
    private func console(_ logging: String) async throws -> [String] {
        let lines = LogLines()
        let file = "[logging]\n" + logging
        let make = try NetworkConfiguration(toml: file).logHandlerFactory { lines.append($0) }
        let logger = Logger(label: "network-protocol.daemon", factory: make)
        try await ConfiguredService.withDaemon(file, logger: logger) { _, address in
            let client = try await ConfiguredService.connect(to: address)
            _ = try await client.request("echo")
            await client.close()
        }
        return lines.all
    }

    @Test func `log_level decides which records are written`() async throws {
        let debug = try await console("log_level = \"debug\"")
        #expect(debug.contains { $0.contains(" debug network-protocol.daemon: connection open ") })
        let info = try await console("")
        #expect(info.contains { $0.contains(" info network-protocol.daemon: listening addresses=127.0.0.1:") })
        #expect(!info.contains { $0.contains("connection open") })
        #expect(try await console("log_level = \"error\"") == [])
    }

    @Test func `log_to_console decides whether lines go to standard error`() async throws {
        #expect(try await !console("log_to_console = true").isEmpty)
        #expect(try await console("log_to_console = false").isEmpty)
    }

    @Test func `app_name stands on every line`() async throws {
        let named = try await console("app_name = \"echo service\"")
        #expect(!named.isEmpty && named.allSatisfy { $0.contains(" app.name=\"echo service\"") })
        #expect(try await console("").allSatisfy { !$0.contains("app.name") })
    }

    @Test func `json_format makes each line an object`() async throws {
        let lines = try await console("json_format = true\napp_name = \"echo\"")
        #expect(!lines.isEmpty)
        for line in lines {
            let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            #expect(object["label"] as? String == "network-protocol.daemon")
            #expect((object["metadata"] as? [String: Any])?["app.name"] as? String == "echo")
        }
    }

    @Test(arguments: [true, false])
    func `log_to_file and log_file_path put the lines into a file, beside the console or alone`(isConsole: Bool)
        async throws
    {
        let folder = try TemporaryFolder()
        let path = folder.path + "/daemon.log"
        let lines = try await console(
            "log_to_console = \(isConsole)\nlog_to_file = true\nlog_file_path = \"\(path)\"\nlog_level = \"debug\"\napp_name = \"e\""
        )
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text.contains(" info network-protocol.daemon: listening "))
        #expect(text.contains("connection open"))
        #expect(text.split(separator: "\n").allSatisfy { $0.contains(" app.name=e") })
        #expect(lines.isEmpty != isConsole)
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test func `without log_to_file no file is made`() async throws {
        let folder = try TemporaryFolder()
        _ = try await console("log_file_path = \"\(folder.path)/daemon.log\"")
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/daemon.log"))
    }

    @Test func `the error of a log file that cannot be opened has the key's line, the path and a remedy`() throws {
        let configuration = try NetworkConfiguration(
            toml: "[logging]\nlog_to_file = true\nlog_file_path = \"/nowhere/daemon.log\"",
            path: "/etc/echo.toml"
        )
        do {
            _ = try configuration.logHandlerFactory()
            Issue.record("it was opened")
        } catch {
            let problem = try #require(error.problems.first)
            #expect("\(problem)".hasPrefix("/etc/echo.toml:3: logging.log_file_path: /nowhere/daemon.log: "))
            #expect(!problem.remedy.isEmpty)
        }
    }
}
