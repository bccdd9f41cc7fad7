internal import Foundation
internal import Operations
internal import Reflector
internal import Testing

@Suite("The audit commands", .timeLimit(.minutes(3)))
struct AuditCommandTests {
    @Test
    func `audit rotate closes the log's file with and without a running server, and verify and export read all files`()
        async throws
    {
        try await Installation.with { installation in
            let log = installation.folder + "/r/audit.jsonl"
            try await installation.serving { _ in
                #expect(try await installation.reflector("audit", "rotate").errors.contains("nothing to rotate"))
                for _ in 0..<3 { _ = try await installation.reflector("pair") }
                let rotated = try await installation.reflector("audit", "rotate", "--json").json()
                #expect(rotated["closed_file"] as? String == log + ".000000000001-000000000003")
                #expect(rotated["first_line"] as? Int == 1 && rotated["last_line"] as? Int == 3)
                // The server goes on in the new file.
                try await installation.pair()
                #expect(try await installation.reflector("audit", "verify").code == 0)
            }
            let offline = try await installation.reflector("audit", "rotate")
            #expect(offline.output.contains("with lines 4 to"), "\(offline.output) \(offline.errors)")
            let verified = try await installation.reflector("audit", "verify", "--json").json()
            #expect(verified["intact"] as? Bool == true && verified["files"] as? Int == 3)
            let lines = try await installation.reflector("audit", "export").output.split(separator: "\n")
            #expect(lines.count == verified["lines"] as? Int)
            #expect(lines.first?.contains("\"seq\":1,") == true)

            // The same lines as one JSON document.
            let array = try await installation.reflector("audit", "export", "--json").output
            let parsed = try #require(try JSONSerialization.jsonObject(with: Data(array.utf8)) as? [[String: Any]])
            #expect(parsed.count == lines.count)
            #expect(parsed.last?["event_type"] as? String == "audit_rotated")
            let none = try await installation.reflector("audit", "export", "--json", "--since", "2100-01-01").output
            #expect(try JSONSerialization.jsonObject(with: Data(none.utf8)) as? [String] == [])

            // Moved away, the oldest file is not missed.
            try FileManager.default.removeItem(atPath: log + ".000000000001-000000000003")
            let moved = try await installation.reflector("audit", "verify", "--json").json()
            #expect(moved["intact"] as? Bool == true && moved["lines_moved_away"] as? Int == 3)
            try await installation.serving { _ in }
        }
    }

    @Test func `audit repair accepts a lost or damaged checkpoint, says what it accepted, and accepts nothing else`()
        async throws
    {
        try await Installation.with { installation in
            let log = installation.folder + "/r/audit.jsonl"
            try await installation.serving { _ in
                for _ in 0..<3 { _ = try await installation.reflector("pair") }
                let refused = try await installation.reflector("audit", "repair")
                #expect(refused.code == 1 && refused.errors.contains("another reflector runs"))
            }
            let intact = try await installation.reflector("audit", "repair")
            #expect(intact.code == 0 && intact.output.contains("nothing was changed"))
            #expect(try await installation.reflector("audit", "verify").output.contains("3 lines"))

            try FileManager.default.removeItem(atPath: log + ".checkpoint")
            let start = try await installation.reflector("serve")
            #expect(start.code == 1 && start.errors.contains("audit repair"), "\(start.errors)")
            try? FileManager.default.removeItem(atPath: log + ".checkpoint")
            let lost = try await installation.reflector("audit", "repair")
            #expect(lost.code == 0, "\(lost.errors)")
            #expect(lost.output.contains("after line 3") && lost.output.contains("missing or empty"), "\(lost.output)")
            #expect(try await installation.reflector("audit", "verify").code == 0)

            try Data(repeating: 0x41, count: 8192).write(to: URL(fileURLWithPath: log + ".checkpoint"))
            let damaged = try await installation.reflector("audit", "repair", "--json").json()
            #expect(damaged["repaired"] as? Bool == true && damaged["line"] as? Int == 5)
            let export = try await installation.reflector("audit", "export").output
            #expect(export.split(separator: "\n").count { $0.contains("audit_repaired") } == 2)
            #expect(export.contains("carries a valid signature"))
            try await installation.serving { _ in _ = try await installation.reflector("pair") }

            // What verification finds behind the checkpoint, repair does not call whole.
            let whole = try Data(contentsOf: URL(fileURLWithPath: log))
            let last = try #require(whole.split(separator: 10).last)
            let sequence = Int64(whole.split(separator: 10).count)
            let line = { (event: String) in
                var record = AuditRecord(event)
                record.endpointID = "forged"
                return AuditLine(
                    sequence: sequence + 1,
                    previousHash: AuditLine.hash(of: [UInt8](last)[...]),
                    record: record,
                    layout: .reflector
                ).encoded() + [10]
            }
            let forged: [[UInt8]] = [
                [UInt8](whole) + line("session_granted"), [UInt8](whole) + [UInt8](repeating: 0, count: 500),
                [UInt8](whole) + Array(#"{"seq":"#.utf8), line("audit_rotated"),
            ]
            for content in forged {
                try Data(content).write(to: URL(fileURLWithPath: log))
                let verified = try await installation.reflector("audit", "verify")
                let refused = try await installation.reflector("audit", "repair")
                let words = verified.output.trimmingCharacters(in: .whitespacesAndNewlines)
                #expect(verified.code == 2 && refused.code == 1, "\(words)")
                #expect(
                    refused.errors.contains(words) && refused.errors.contains("Nothing was changed"),
                    "\(refused.errors)"
                )
                #expect([UInt8](try Data(contentsOf: URL(fileURLWithPath: log))) == content)
            }
            try whole.write(to: URL(fileURLWithPath: log))

            // Missing and changed lines are not accepted, whatever the checkpoint.
            let good = try String(contentsOfFile: log, encoding: .utf8)
            let short = good.split(separator: "\n").dropLast().map { $0 + "\n" }.joined()
            try Data(short.utf8).write(to: URL(fileURLWithPath: log))
            let missing = try await installation.reflector("audit", "repair")
            #expect(missing.code == 1 && missing.errors.contains("line 6 is missing"), "\(missing.errors)")
            try FileManager.default.removeItem(atPath: log + ".checkpoint")
            try Data(good.replacing("600", with: "601", maxReplacements: 1).utf8).write(to: URL(fileURLWithPath: log))
            let changed = try await installation.reflector("audit", "repair")
            #expect(changed.code == 1 && changed.errors.contains("line 1 was changed"), "\(changed.errors)")
        }
    }
}
