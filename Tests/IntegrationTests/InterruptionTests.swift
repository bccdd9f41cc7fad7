internal import Foundation
internal import Operations
internal import Testing

@Suite("A client that is interrupted", .timeLimit(.minutes(3)))
struct InterruptionTests {
    @Test func `SIGINT while a reflector does not answer exits 130`() async throws {
        try await Installation.with { installation in
            let (port, descriptor) = try Installation.listen()
            defer { close(descriptor) }
            let id = try await installation.paramedic("id").lines[0]
            let arguments = ["pair", "127.0.0.1:\(port)", "--id", id, "--token", "t"]
            let client = try await Tool.start("paramedic", arguments, installation.environment)
            // It has connected.
            let connection = accept(descriptor, nil, nil)
            defer { close(connection) }
            client.signal(SIGINT)
            let exit = await client.exit()
            #expect(exit.code == 130)
            #expect(String(decoding: exit.errorOutput, as: UTF8.self).contains("interrupted"))
        }
    }

    @Test(
        arguments: ["throughput --engine native", "throughput --engine iperf3", "latency", "bufferbloat", "run"],
        [(SIGINT, "tunneled"), (SIGTERM, "direct_ephemeral")]
    )
    func `SIGINT and SIGTERM in a test exit 130, close the test at the reflector and leave the state whole`(
        command: String,
        how: (signal: Int32, mode: String)
    ) async throws {
        try await Installation.with(["REFLECTOR_NETWORK_MODE": how.mode]) { installation in
            try await installation.serving { _ in
                try await installation.pair()
                let arguments = command.split(separator: " ").map(String.init) + ["--duration", "60", "--json"]
                let client = try await Tool.start("paramedic", arguments, installation.environment)
                try await installation.audited("session_granted")
                client.signal(how.signal)
                let exit = await client.exit()
                #expect(exit.code == 130)
                let printed = try JSONSerialization.jsonObject(with: Data(exit.output)) as? [String: [String: Any]]
                #expect(printed?["error"]?["exit_code"] as? Int == 130)
                #expect(String(decoding: exit.errorOutput, as: UTF8.self).contains("interrupted"))

                // Closed by its owner, or ended with the iperf3 that its owner ended; not found dead. The slot is free
                // at once.
                let completed = try await installation.audited("session_completed")
                let reasons = ["closed"] + (command.contains("iperf3") ? ["process_exited"] : [])
                #expect(reasons.contains { completed.contains("\"reason\":\"\($0)\"") }, "\(completed)")
                let next = try await installation.paramedic("latency", "--duration", "1", "--wait", "0")
                #expect(next.code == 0, "\(next.errors)")
                #expect(try await installation.paramedic("history", "--json").list().isEmpty)
                let database = installation.folder + "/p/paramedic.sqlite"
                #expect(try await Tool.query(database, "PRAGMA integrity_check") == "ok")
                #expect(try await Tool.query(database, "SELECT count(*) FROM reflector") == "1")
            }
        }
    }
}

extension Installation {
    /// Waits for so many audit lines of this event and returns the last of them.
    @discardableResult
    func audited(_ event: String, count: Int = 1) async throws -> String {
        try await eventually("\(count) \(event) in the audit log") {
            // Read as it lies there: a tool that is started to read it may come seconds later.
            let log = (try? String(contentsOfFile: folder + "/r/audit.jsonl", encoding: .utf8)) ?? ""
            let lines = log.split(separator: "\n").filter { $0.contains("\"event_type\":\"\(event)\"") }
            return lines.count >= count ? String(lines[count - 1]) : nil
        }
    }
}
