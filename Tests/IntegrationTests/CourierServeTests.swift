internal import Foundation
internal import Operations
internal import Testing

/// Peers that are known by name, and `courier serve`, which needs no ticket.
@Suite("courier serve and courier peer", .timeLimit(.minutes(3)))
struct CourierServeTests {
    private func write(_ text: String, to path: String) throws {
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent,
            withIntermediateDirectories: true
        )
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }

    private func content(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }

    @Test(arguments: ["127.0.0.1", "::1"])
    func `who is trusted sends by name, and who is not is turned away`(listen: String) async throws {
        try await CourierUser.serving(listen: listen) { server, place, sender in
            let file = sender.folder + "/a"
            let copy = server.folder + "/../in/a"
            try write("one", to: file)
            let stranger = try await sender.run("send", file, place)
            #expect(stranger.code == 4)
            #expect(stranger.errors.contains("it does not admit this machine"))
            // Known is not trusted.
            try await server.run("peer", "add", "laptop", try await sender.id())
            #expect(try await sender.run("send", file, place).code == 4)
            #expect(content(copy) == nil)
            #expect(try await server.run("peer", "trust", "laptop").output.contains("yes"))
            #expect(try await sender.run("send", file, place).code == 0)
            #expect(content(copy) == "one")
            // By name.
            try write("two", to: sender.folder + "/b")
            #expect(try await sender.run("peer", "add", "server", place).code == 0)
            let named = try await sender.run("send", sender.folder + "/b", "server")
            #expect(named.code == 0, "\(named.errors)")
            #expect(content(server.folder + "/../in/b") == "two")
            // What is there is not replaced.
            try write("three", to: file)
            let taken = try await sender.run("send", file, "server")
            #expect(taken.code == 1)
            #expect(taken.errors.contains("exists"))
            #expect(content(copy) == "one")
            #expect(try await server.run("peer", "trust", "laptop", "--revoke").output.contains("no "))
            #expect(try await sender.run("send", sender.folder + "/b", "server").code == 4)
        }
    }

    @Test func `a name that has addresses of both families reaches the one that answers`() async throws {
        try await CourierUser.serving { server, place, sender in
            let file = sender.folder + "/a"
            try write("one", to: file)
            try await server.run("peer", "add", "laptop", try await sender.id(), "--trust")
            let port = try #require(place.split(separator: ":").last)
            let id = try await server.id()
            #expect(try await sender.run("peer", "add", "server", "\(id)@[::1]:\(port)", place).code == 0)
            let sent = try await sender.run("send", file, "server")
            #expect(sent.code == 0, "\(sent.errors)")
        }
    }

    @Test func `ping tells trusted peers how fast a courier answers, and leaves it waiting`() async throws {
        try await CourierUser.serving { server, place, sender in
            let stranger = try await sender.run("ping", place)
            #expect(stranger.code == 4)
            try await server.run("peer", "add", "laptop", try await sender.id(), "--trust")
            try await sender.run("peer", "add", "server", place)
            let json = try await sender.run("ping", "server", "--count", "3", "--json").json()
            let times = try #require(json["round_trips_ms"] as? [Double])
            // No more than a second: later answers count as lost.
            #expect(times.count == 3 && times.allSatisfy { $0 > 0 && $0 < 1_000 })
            #expect(try #require(json["handshake_ms"] as? Double) > 0)
            #expect(json["address"] as? String == place.split(separator: "@").last.map(String.init))
            let text = try await sender.run("ping", place, "--count", "1").output
            #expect(text.contains("answers at UDP 127.0.0.1:") && text.contains("of 1\n"), "\(text)")
            let file = sender.folder + "/a"
            try write("one", to: file)
            #expect(try await sender.run("send", file, "server").code == 0)
            #expect(try await sender.run("ping", "host:path").code == 64)
            #expect(try await sender.run("ping", "server", "--count", "0").code == 64)
        }
    }

    @Test func `another machine at a known address is not sent to`() async throws {
        try await CourierUser.serving { server, place, sender in
            let file = sender.folder + "/a"
            try write("one", to: file)
            let other = CourierUser(folder: sender.folder + "/other")
            let address = try #require(place.split(separator: "@").last)
            // It answers only who knows its own ID.
            let sent = try await sender.run("send", file, "\(try await other.id())@\(address)")
            #expect(sent.code == 3)
            #expect(sent.errors.contains("no answer from UDP 127.0.0.1:"))
        }
    }

    @Test func `a peer has a name for one machine, places of one machine, and no name that means something else`()
        async throws
    {
        try await Tool.inFolder { folder in
            let (user, one, two) = (
                CourierUser(folder: folder + "/user"), CourierUser(folder: folder + "/one"),
                CourierUser(folder: folder + "/two")
            )
            let (first, second) = (try await one.id(), try await two.id())
            #expect(try await user.run("peer", "add", "a", "\(first)@h1:1", "\(first)@[2001:db8::1]").code == 0)
            for (arguments, reason) in [
                (["a", second], "is the name of"), (["b", "\(first)@h:1", second], "two machines"),
                (["a:b", first], "no colon"), (["b", "PP-1@h:1"], "PP-1@h:1"), (["b", "\(first)@h:70000"], "70000"),
                (["b", "\(first)@"], "expected ID@HOST"), (["b", "x"], "x"), (["\u{1b}[2J", first], "invalid name"),
            ] {
                let result = try await Tool.run(
                    "courier",
                    ["peer", "add"] + arguments,
                    ["XDG_STATE_HOME": user.folder]
                )
                #expect(result.code == 64 && result.errors.contains(reason), "\(arguments): \(result.errors)")
            }
            let list = try #require(try await user.run("peer", "--json").list() as? [[String: Any]])
            #expect(list.count == 1)
            #expect(list[0]["name"] as? String == "a")
            #expect(list[0]["endpoint_id"] as? String == first)
            #expect(list[0]["trusted"] as? Bool == false)
            #expect(list[0]["addresses"] as? [String] == ["[2001:db8::1]:4900", "h1:1"])
            #expect(try await user.run("peer", "add", "a", second, "--replace", "--trust").code == 0)
            let send = try await user.run("send", "/etc/hostname", "a")
            #expect(send.code == 64)
            #expect(send.errors.contains("it is not known where \"a\" runs `courier serve`"))
            #expect(try await user.run("peer", "remove", "a").code == 0)
            #expect(try await user.run("peer", "list").output == "")
            #expect(try await user.run("peer", "remove", "a").code == 64)
        }
    }

    // MARK: courier.toml

    @Test func `serve reads courier.toml, and again on SIGHUP`() async throws {
        try await Tool.inFolder { folder in
            let (server, sender) = (CourierUser(folder: folder + "/server"), CourierUser(folder: folder + "/sender"))
            let file = folder + "/courier.toml"
            func configure(_ conflict: String) throws {
                try write(
                    """
                    [serve]
                    folder = "\(folder)/in"
                    listen_address = "127.0.0.1:\(port)"
                    on_conflict = "\(conflict)"
                    """,
                    to: file
                )
            }
            let port = try Installation.freePort()
            try configure("refuse")
            try await server.run("peer", "add", "laptop", try await sender.id(), "--trust")
            let child = try await server.start("serve", "--config", file)
            let place = "\(try await server.id())@127.0.0.1:\(port)"
            do {
                _ = try await eventually("serve answers") { () async throws -> Bool? in
                    try await sender.run("ping", place, "--count", "1").code == 0 ? true : nil
                }
                for (text, conflict, code) in [("one", nil, 0), ("two", nil, 1), ("three", "overwrite", 0)] {
                    if let conflict {
                        try configure(conflict)
                        kill(child.pid, SIGHUP)
                        // It has no answer that could be waited for.
                        try await Task.sleep(for: .seconds(1))
                    }
                    try write(text, to: folder + "/a")
                    #expect(try await sender.run("send", folder + "/a", place).code == Int32(code), "\(text)")
                    #expect(content(folder + "/in/a") == (code == 0 ? text : "one"))
                }
                // What cannot be read changes nothing.
                try write("[serve", to: file)
                kill(child.pid, SIGHUP)
                try await Task.sleep(for: .milliseconds(500))
                #expect(child.isRunning)
            } catch {
                await child.terminate()
                throw error
            }
            await child.terminate()
            let errors = String(decoding: await child.exit().errorOutput, as: UTF8.self)
            #expect(errors.contains("read the configuration again"))
            #expect(errors.contains("the configuration is not read again: "))
        }
    }

    @Test func `every key of courier.toml is checked, in the file and in the environment`() async throws {
        try await Tool.inFolder { folder in
            let user = CourierUser(folder: folder)
            let file = folder + "/courier.toml"
            let good = """
                [identity]
                private_key_path = "\(folder)/key"
                [serve]
                folder = "in"
                listen_address = "[::1]:4901"
                on_conflict = "rename"
                durable = true
                max_transfers = 2
                [send]
                congestion = "bbr"
                limit_rate = "1.5G"
                """
            try write(good, to: file)
            let check = try await user.run("config", "check", "--config", file)
            #expect(check.code == 0 && check.output == "\(file): ok\n")
            // Its identity is that of the file.
            let id = try await user.run("id", "--config", file).output
            #expect(FileManager.default.fileExists(atPath: folder + "/key"))
            #expect(try await user.run("id", "--key", folder + "/key").output == id)
            for (old, new, reason) in [
                ("\"[::1]:4901\"", "\"here\"", "courier.toml:5: serve.listen_address: found \"here\""),
                ("\"rename\"", "\"ask\"", "courier.toml:6: serve.on_conflict"),
                ("durable = true", "durable = 1", "courier.toml:7: serve.durable"),
                ("max_transfers = 2", "max_transfers = 65", "courier.toml:8: serve.max_transfers"),
                ("\"bbr\"", "\"reno\"", "courier.toml:10: send.congestion"),
                ("\"1.5G\"", "\"9\"", "courier.toml:11: send.limit_rate"),
                ("folder =", "foldr =", "did you mean folder?"),
            ] {
                try write(good.replacingOccurrences(of: old, with: new), to: file)
                let bad = try await user.run("config", "check", "--config", file)
                #expect(bad.code == 78 && bad.errors.contains(reason), "\(new): \(bad.errors)")
                #expect(try await user.run("send", "/etc/hostname", "--dry-run", "--config", file).code == 78)
            }
            for (name, value) in [
                ("SERVE_LISTEN_ADDRESS", "here"), ("SERVE_ON_CONFLICT", "ask"), ("SERVE_DURABLE", "1.5"),
                ("SERVE_MAX_TRANSFERS", "0"),
                ("SEND_CONGESTION", "reno"), ("SEND_LIMIT_RATE", "9"), ("SERVE_FOLDR", "x"),
            ] {
                let bad = try await Tool.run(
                    "courier",
                    ["config", "check"],
                    ["XDG_STATE_HOME": folder, "COURIER_\(name)": value]
                )
                #expect(bad.code == 78 && bad.errors.contains("COURIER_\(name)"), "\(name): \(bad.errors)")
            }
        }
    }
}
