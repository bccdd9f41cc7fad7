internal import Foundation
internal import Operations
internal import Testing

@Suite("courier", .timeLimit(.minutes(3)))
struct CourierTests {
    private func courier(_ folder: String, _ arguments: String...) async throws -> Tool.Result {
        try await Tool.run("courier", arguments + ["--key", folder + "/sender.ed25519"])
    }

    /// Starts `receive`, gives `body` its ticket, and returns how it ended. Ends it if `body` fails.
    private func receiving(
        _ folder: String,
        listen: String = "127.0.0.1:0",
        _ body: (String) async throws -> Void
    ) async throws -> ChildExit {
        let output = folder + "/ticket"
        let line =
            "exec \"$0\" receive --yes --once --listen \(listen) --to '\(folder)/in' --key '\(folder)/receiver.ed25519' > '\(output)'"
        let child = try await ChildProcess.start("/bin/sh", ["-c", line, try Tool.path("courier")])
        do {
            let ticket = try await eventually("receive prints a ticket") { () -> String? in
                if !child.isRunning {
                    throw Installation.Problem(
                        "receive: \(String(decoding: await child.exit().errorOutput, as: UTF8.self))"
                    )
                }
                let text = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
                return text.hasSuffix("\n") ? text.split(separator: "\n").first.map(String.init) : nil
            }
            try await body(ticket)
        } catch {
            await child.terminate()
            throw error
        }
        return await child.exit()
    }

    private func write(_ count: Int, to path: String) throws -> Data {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        let data = Data(bytes)
        try data.write(to: URL(fileURLWithPath: path))
        return data
    }

    @Test(arguments: ["127.0.0.1:0", "[::1]:0"])
    func `files arrive with their bytes, modes and times, and both sides print what b3sum prints`(
        _ listen: String
    ) async throws {
        try await Tool.inFolder { folder in
            let large = try write(3_000_000, to: folder + "/large")
            _ = try write(0, to: folder + "/empty")
            chmod(folder + "/large", 0o640)
            let time = Date(timeIntervalSince1970: 1_234_567_890)
            try FileManager.default.setAttributes([.modificationDate: time], ofItemAtPath: folder + "/large")
            var sent = ""
            let received = try await receiving(folder, listen: listen) { ticket in
                let result = try await courier(folder, "send", folder + "/large", folder + "/empty", ticket)
                try #require(result.code == 0, "\(result.errors)")
                sent = result.output
            }
            #expect(received.code == 0)
            let copy = folder + "/in/large"
            #expect(try Data(contentsOf: URL(fileURLWithPath: copy)) == large)
            #expect(try Data(contentsOf: URL(fileURLWithPath: folder + "/in/empty")).isEmpty)
            let attributes = try FileManager.default.attributesOfItem(atPath: copy)
            #expect(attributes[.posixPermissions] as? Int == 0o640)
            #expect(attributes[.modificationDate] as? Date == time)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/in").sorted() == ["empty", "large"])
            let sums = try await ChildProcess.start("b3sum", [folder + "/large", folder + "/empty"]).exit()
            #expect(sent == String(decoding: sums.output, as: UTF8.self))
            let hashed = try await Tool.run("courier", ["hash", folder + "/large", folder + "/empty"])
            #expect(hashed.output == sent)
        }
    }

    @Test func `a file that is there is not overwritten, and both sides say so`() async throws {
        try await Tool.inFolder { folder in
            _ = try write(1_000, to: folder + "/a")
            try FileManager.default.createDirectory(atPath: folder + "/in", withIntermediateDirectories: true)
            chmod(folder + "/in", 0o700)
            try Data("mine".utf8).write(to: URL(fileURLWithPath: folder + "/in/a"))
            let received = try await receiving(folder) { ticket in
                let result = try await courier(folder, "send", folder + "/a", ticket)
                #expect(result.code == 1)
                #expect(result.errors.contains("/in/a exists; move it away"))
            }
            #expect(received.code == 1)
            #expect(try String(contentsOfFile: folder + "/in/a", encoding: .utf8) == "mine")
        }
    }

    @Test func `a name that comes twice is written once, and one courier at a time receives into a folder`()
        async throws
    {
        try await Tool.inFolder { folder in
            let data = try write(600_000, to: folder + "/a")
            try FileManager.default.createDirectory(atPath: folder + "/other", withIntermediateDirectories: true)
            try Data("other".utf8).write(to: URL(fileURLWithPath: folder + "/other/a"))
            let received = try await receiving(folder) { ticket in
                let second = try await courier(folder, "receive", "--yes", "--to", folder + "/in")
                #expect(second.code == 1)
                #expect(second.errors.contains("another courier receives into"))
                let result = try await courier(folder, "send", folder + "/a", folder + "/other/a", ticket)
                #expect(result.code == 1)
                #expect(result.errors.contains("comes twice in this transfer"))
            }
            #expect(received.code == 1)
            #expect(try Data(contentsOf: URL(fileURLWithPath: folder + "/in/a")) == data)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/in") == ["a"])
        }
    }

    @Test func `a name that unfinished files have is refused`() async throws {
        try await Tool.inFolder { folder in
            _ = try write(10, to: folder + "/a.courier-part")
            let received = try await receiving(folder) { ticket in
                let result = try await courier(folder, "send", folder + "/a.courier-part", ticket)
                #expect(result.code == 1)
                #expect(result.errors.contains("as unfinished files do"))
            }
            #expect(received.code == 1)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/in").isEmpty)
        }
    }

    @Test func `a ticket whose courier has ended gets no answer, and the sender says so within its time`() async throws
    {
        try await Tool.inFolder { folder in
            _ = try write(10, to: folder + "/a")
            var other = ""
            _ = try await receiving(folder) { ticket in
                other = ticket
                let result = try await courier(folder, "send", folder + "/a", ticket)
                #expect(result.code == 0)
            }
            let port = try await courier(folder, "send", folder + "/a", other)
            #expect(port.code == 3)
            #expect(port.errors.contains("no answer from UDP 127.0.0.1:"))
        }
    }

    @Test(arguments: ["courier:abc", "PP-1234", ""])
    func `what is no ticket is refused with a reason before anything is sent`(_ ticket: String) async throws {
        try await Tool.inFolder { folder in
            _ = try write(10, to: folder + "/a")
            let result = try await courier(folder, "send", folder + "/a", ticket)
            #expect(result.code == 64)
            #expect(result.errors.contains("ticket"))
        }
    }

    @Test func `a missing file and a folder are refused with their path`() async throws {
        try await Tool.inFolder { folder in
            let received = try await receiving(folder) { ticket in
                for (path, reason) in [(folder + "/none", "No such file"), (folder, "cannot be sent yet")] {
                    let result = try await courier(folder, "send", path, ticket)
                    #expect(result.code == 1)
                    #expect(result.errors.contains(path) && result.errors.contains(reason), "\(result.errors)")
                }
                _ = try write(10, to: folder + "/a")
                #expect(try await courier(folder, "send", folder + "/a", ticket).code == 0)
            }
            #expect(received.code == 0)
        }
    }
}
