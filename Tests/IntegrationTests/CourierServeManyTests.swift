internal import Foundation
internal import Operations
internal import Testing

/// Several transfers to one `courier serve` at the same time.
@Suite("courier serve with several senders", .timeLimit(.minutes(3)))
struct CourierServeManyTests {
    /// Eight seconds of sending.
    private static let rate = "1M"

    private func content(_ path: String) -> Data? { FileManager.default.contents(atPath: path) }

    /// A file of a million bytes.
    private func make(_ path: String) throws -> Data {
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent,
            withIntermediateDirectories: true
        )
        let random = try #require(FileHandle(forReadingAtPath: "/dev/urandom"))
        let bytes = try #require(try random.read(upToCount: 1_000_000))
        try bytes.write(to: URL(fileURLWithPath: path))
        return bytes
    }

    private func whatReceives(_ server: CourierUser, _ name: String) -> String { server.folder + "/../in/" + name }

    private func waitForPart(_ server: CourierUser, _ name: String) async throws {
        let part = whatReceives(server, name + ".courier-part")
        _ = try await eventually("\(name) is on its way") { () -> Bool? in
            // Too late to see it.
            try #require(!FileManager.default.fileExists(atPath: whatReceives(server, name)))
            return FileManager.default.fileExists(atPath: part) ? true : nil
        }
    }

    private func trust(_ user: CourierUser, _ name: String, at server: CourierUser) async throws {
        let id = try await user.id()
        #expect(try await server.run("peer", "add", name, id, "--trust").code == 0)
    }

    @Test func `two machines send at the same time, and one of them two files`() async throws {
        try await CourierUser.serving { server, place, one in
            let two = CourierUser(folder: one.folder + "-two")
            try await trust(one, "one", at: server)
            try await trust(two, "two", at: server)
            let files = try ["a", "b", "c"].map { try (name: $0, bytes: make(one.folder + "/" + $0)) }
            var children: [ChildProcess] = []
            for (user, name) in [(one, "a"), (one, "b"), (two, "c")] {
                children.append(
                    try await user.start("send", one.folder + "/" + name, place, "--limit-rate", Self.rate)
                )
            }
            // Each is on its way while the others are.
            for file in files { try await waitForPart(server, file.name) }
            #expect(children.allSatisfy { $0.isRunning })
            for child in children {
                let exit = await child.exit()
                #expect(exit.code == 0, "\(String(decoding: exit.errorOutput, as: UTF8.self))")
            }
            for file in files { #expect(content(whatReceives(server, file.name)) == file.bytes) }
        }
    }

    @Test func `what one machine sends another one does not send meanwhile, and no machine takes all places`()
        async throws
    {
        try await CourierUser.serving("--max-transfers", "3") { server, place, one in
            let two = CourierUser(folder: one.folder + "-two")
            try await trust(one, "one", at: server)
            try await trust(two, "two", at: server)
            let bytes = try make(one.folder + "/a")
            _ = try make(two.folder + "/a")
            let first = try await one.start("send", one.folder + "/a", place, "--limit-rate", Self.rate)
            try await waitForPart(server, "a")
            let other = try await two.run("send", two.folder + "/a", place)
            #expect(other.code == 4 && other.errors.contains("files of the same name"), "\(other.errors)")
            _ = try make(one.folder + "/b")
            let second = try await one.run("send", one.folder + "/b", place)
            #expect(second.code == 4 && second.errors.contains("it is busy"), "\(second.errors)")
            #expect(first.isRunning)
            kill(first.pid, SIGKILL)
            _ = await first.exit()
            // Its session is given up when it was silent for two seconds and the machine comes again.
            _ = try await eventually("there is a place again") {
                try await one.run("send", one.folder + "/a", place).code == 0 ? true : nil
            }
            #expect(content(whatReceives(server, "a")) == bytes)
        }
    }

    @Test func `a machine that begins again at once continues, though its old session is still there`() async throws {
        try await CourierUser.serving { server, place, one in
            try await trust(one, "one", at: server)
            let bytes = try make(one.folder + "/a")
            let first = try await one.start("send", one.folder + "/a", place, "--limit-rate", Self.rate)
            try await waitForPart(server, "a")
            try await Task.sleep(for: .milliseconds(500))
            kill(first.pid, SIGKILL)
            _ = await first.exit()
            let second = try await one.run("send", one.folder + "/a", place, "--json")
            #expect(second.code == 0, "\(second.errors)")
            let report = try second.json()
            let kept = try #require(report["kept_bytes"] as? Int)
            #expect(kept >= 262_144, "\(kept)")
            #expect(content(whatReceives(server, "a")) == bytes)
        }
    }

    @Test func `a session that only looks gives its place to one that sends`() async throws {
        try await CourierUser.serving("--max-transfers", "1") { server, place, one in
            let two = CourierUser(folder: one.folder + "-two")
            try await trust(one, "one", at: server)
            try await trust(two, "two", at: server)
            let bytes = try make(two.folder + "/a")
            _ = try make(two.folder + "/b")
            var looking = try await one.start("ping", place, "--count", "600")
            let early = try await eventually("ping has the place") { () -> Tool.Result? in
                if !looking.isRunning { looking = try await one.start("ping", place, "--count", "600") }
                let sent = try await two.run("send", two.folder + "/b", place)
                return sent.code == 4 ? sent : nil
            }
            #expect(early.errors.contains("it is busy"), "\(early.errors)")
            _ = try await eventually("the place is free after ten seconds") {
                try await two.run("send", two.folder + "/a", place).code == 0 ? true : nil
            }
            #expect(content(whatReceives(server, "a")) == bytes)
            let end = await looking.exit()
            #expect(end.code == 4)
            #expect(String(decoding: end.errorOutput, as: UTF8.self).contains("it gave its place"))
        }
    }

    @Test func `the number of transfers is checked`() async throws {
        try await Tool.inFolder { folder in
            let user = CourierUser(folder: folder)
            for count in ["0", "65", "x"] {
                let code = try await user.run("serve", "--max-transfers", count).code
                #expect(code == 64, "\(count)")
            }
        }
    }
}
