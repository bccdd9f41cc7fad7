internal import Foundation
internal import Glibc
internal import NetworkProtocol
internal import Testing

/// The programs of `Examples/`, run as described in their README.
@Suite("Examples", .timeLimit(.minutes(3)))
struct ExampleTests {
    /// A folder that exists while `body` runs.
    private func withFolder(_ body: (String) async throws -> Void) async throws {
        let folder = NSTemporaryDirectory() + "ex-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await body(folder)
    }

    private func output(_ program: String, _ arguments: String...) async throws -> (status: Int32, text: String) {
        let end = try await RunningProgram(program, arguments).end()
        return (end.status, end.lines.joined(separator: "\n"))
    }

    @Test func `the greeter of the first article greets known clients only`() async throws {
        try await withFolder { folder in
            let folders = ["daemon", "client", "stranger"].map { "\(folder)/\($0)" }
            func greeter(_ folder: String, _ arguments: String...) throws -> RunningProgram {
                let shell = ["sh", "-c", "cd '\(folder)' && exec \"$@\" 2>&1", "sh"]
                return try RunningProgram("example-greeter", arguments, through: shell)
            }
            var ids: [String] = []
            for folder in folders {
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
                let id = try await greeter(folder, "id").end()
                #expect(id.status == 0)
                ids.append(String(try #require(id.lines.first)))
            }
            let server = try greeter(folders[0], "serve", "0", ids[1])
            // In its log.
            var port: Substring?
            while port == nil {
                try await Task.sleep(for: .milliseconds(10))
                port = server.lines.lazy.compactMap { $0.firstMatch(of: /addresses=0\.0\.0\.0:(\d+)/)?.1 }.first
            }
            let listening = String(try #require(port))
            func ask(_ folder: String, _ name: String) async throws -> (status: Int32, lines: [Substring]) {
                try await greeter(folder, "ask", "127.0.0.1", listening, ids[0], name).end()
            }
            let greeting = try await ask(folders[1], "Ada")
            #expect(greeting.status == 0 && greeting.lines == ["hello, Ada"])
            let refusal = try await ask(folders[1], "")
            #expect(refusal.status == 1 && refusal.lines.contains { $0.contains("no name was given") })
            let stranger = try await ask(folders[2], "Eve")
            #expect(stranger.status == 1 && stranger.lines.contains { $0.contains("\(ids[2]) is not admitted here") })
            server.signal(SIGTERM)
            #expect(try await server.end().status == 0)
        }
    }

    @Test func `the echo returns what it is sent`() async throws {
        try await withFolder { folder in
            let path = folder + "/echo.sock"
            let server = try RunningProgram("example-echo", ["serve", path])
            while !FileManager.default.fileExists(atPath: path) { try await Task.sleep(for: .milliseconds(10)) }
            let said = try await output("example-echo", "say", path, "hello", "you")
            #expect(said.status == 0 && said.text == "hello you")
            server.signal(SIGTERM)
            #expect(try await server.end().status == 0)
            #expect(try await output("example-echo", "say", path, "hello").status == 1)
        }
    }

    @Test func `a second signal cuts off what the first one waits for`() async throws {
        try await withFolder { folder in
            let path = folder + "/echo.sock"
            let server = try RunningProgram("example-echo", ["serve", path])
            while !FileManager.default.fileExists(atPath: path) { try await Task.sleep(for: .milliseconds(10)) }
            var options = ClientOptions()
            options.sendTimeout = .milliseconds(200)
            let client = try await Client.connect(to: .unix(path: path), options: options, logger: TestDaemon.silent)
            // It never receives, so the echo cannot be written.
            let text = String(repeating: "x", count: 1 << 20)
            while (try? await client.send(.echo(text))) != nil {}
            server.signal(SIGTERM)
            // No connections are accepted anymore: the first signal has arrived.
            while (try? await Client.connect(to: .unix(path: path), logger: TestDaemon.silent)) != nil {
                try await Task.sleep(for: .milliseconds(10))
            }
            server.signal(SIGTERM)
            // After half a minute it would exit with 1, and report that a connection was cut.
            #expect(try await server.end().status == 0)
            await client.close()
        }
    }

    @Test func `each side of the TLS example knows the other, and a certificate of another authority is refused`()
        async throws
    {
        try await withFolder { folder in
            let (own, other) = (folder + "/own", folder + "/other")
            for folder in [own, other] {
                #expect(try await output("example-mutual-tls", "certificates", folder).status == 0)
            }
            let server = try RunningProgram("example-mutual-tls", ["serve", own, "0"])
            let address = try await server.wait(for: "listening on ")
            let port = String(try #require(address.split(separator: ":").last))
            let greeting = try await output("example-mutual-tls", "greet", own, port, "Ada")
            #expect(greeting.status == 0 && greeting.text.hasPrefix("hello, Ada, who showed sha256/"))
            #expect(try await output("example-mutual-tls", "greet", other, port, "Eve").status == 1)
            // The server's certificate is valid, the client's is not.
            for name in ["client.pem", "client-key.pem"] {
                try FileManager.default.removeItem(atPath: "\(own)/\(name)")
                try FileManager.default.copyItem(atPath: "\(other)/\(name)", toPath: "\(own)/\(name)")
            }
            #expect(try await output("example-mutual-tls", "greet", own, port, "Eve").status == 1)
            server.signal(SIGTERM)
            #expect(try await server.end().status == 0)
        }
    }

    @Test func `a line typed in the chat reaches the others, and a client that ends leaves`() async throws {
        let key = try await output("example-chat", "key").text
        func chat(_ name: String, _ seeds: [String]) throws -> RunningProgram {
            try RunningProgram("example-chat", [name, "127.0.0.1:0"] + seeds, environment: ["CHAT_KEY": key])
        }
        let ada = try chat("Ada", [])
        let address = try await ada.wait(for: "* you are at ")
        let bob = try chat("Bob", [address])
        let eve = try chat("Eve", [address])
        for program in [bob, eve] { try await program.wait(for: "* 127.0.0.1:", times: 2) }
        try await ada.wait(for: "* 127.0.0.1:", times: 2)
        ada.type("good morning")
        try await bob.wait(for: "Ada: good morning")
        try await eve.wait(for: "Ada: good morning")
        try ada.endInput()
        #expect(try await ada.end().status == 0)
        for program in [bob, eve] {
            try await program.wait(for: "* \(address) left")
            program.signal(SIGINT)
            #expect(try await program.end().status == 0)
        }
    }
}
