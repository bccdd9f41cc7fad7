internal import Foundation
internal import Operations
internal import Testing

@Suite("courier", .timeLimit(.minutes(3)))
struct CourierTests {
    private static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .path

    private func courier(_ folder: String, _ arguments: String...) async throws -> Tool.Result {
        try await Tool.run("courier", arguments + ["--key", folder + "/sender.ed25519"])
    }

    /// Starts `receive`, gives `body` its ticket, and returns how it ended. Ends it if `body` fails.
    private func receiving(
        _ folder: String,
        listen: String = "127.0.0.1:0",
        _ options: String...,
        body: (String) async throws -> Void
    ) async throws -> ChildExit {
        let output = folder + "/ticket"
        // That of the receiver before.
        try? FileManager.default.removeItem(atPath: output)
        let line =
            "exec \"$0\" receive --yes --once \(options.joined(separator: " ")) --listen \(listen) --to '\(folder)/in' --key '\(folder)/receiver.ed25519' > '\(output)'"
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
                #expect(result.errors.contains("courier gives such names to unfinished files"))
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
            let result = try await Tool.run(
                "courier",
                ["send", folder + "/a", ticket, "--key", folder + "/sender.ed25519"],
                ["XDG_STATE_HOME": folder]
            )
            #expect(result.code == 64)
            #expect(result.errors.contains("ticket"))
        }
    }

    @Test func `a missing file and a device are refused with their path`() async throws {
        try await Tool.inFolder { folder in
            let received = try await receiving(folder) { ticket in
                for (path, reason) in [
                    (folder + "/none", "No such file"), ("/dev/null", "neither a file nor a folder"),
                ] {
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

    /// A folder with files of all sizes, a link, an empty folder and a name that is not UTF-8.
    private func makeTree(_ root: String) async throws {
        let script = """
            mkdir -p "$1/sub/deep" "$1/empty" && cd "$1"
            for i in $(seq 1 150); do head -c $((i * 37)) /dev/urandom > sub/s$i; done
            head -c 65536 /dev/urandom > small; head -c 65537 /dev/urandom > large; head -c 700000 /dev/urandom > sub/deep/l
            : > none; ln -s ../small sub/link; ln -s /nowhere dangling
            printf x > "$(printf 'odd\\377\\n name')"
            chmod 750 sub; chmod 555 empty; chmod 4711 large; touch -d 2001-02-03T04:05:06.789 sub/deep sub/deep/l none
            """
        let made = try await ChildProcess.start("/bin/sh", ["-c", script, "sh", root]).exit()
        try #require(made.code == 0, "\(String(decoding: made.errorOutput, as: UTF8.self))")
    }

    /// Names, kinds, permissions, times and content. Permissions above the lowest nine are not carried.
    private func listing(_ root: String) async throws -> String {
        let script = """
            cd "$1" && find . -printf '%P %y %l %TY-%Tm-%Td %TH:%TM:%TS ' -exec stat -c '%a' {} \\; | sed 's/ 4711$/ 711/' | sort
            find . -type f -exec sha256sum {} + | sort
            """
        let listed = try await ChildProcess.start("/bin/sh", ["-c", script, "sh", root]).exit()
        return String(decoding: listed.output, as: UTF8.self)
    }

    @Test func `a folder arrives with everything in it, and the second time nothing moves`() async throws {
        try await Tool.inFolder { folder in
            let root = folder + "/tree"
            try await makeTree(root)
            for round in 1...2 {
                let received = try await receiving(folder) { ticket in
                    let result = try await courier(folder, "send", root, ticket)
                    try #require(result.code == 0, "\(result.errors)")
                    #expect(result.output.contains(round == 1 ? "157 files  \(root)/" : "157 were there already"))
                }
                #expect(received.code == 0, "\(String(decoding: received.errorOutput, as: UTF8.self))")
                #expect(try await listing(folder + "/in/tree") == listing(root))
                #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/in") == ["tree"])
            }
        }
    }

    @Test(arguments: [("rename", "mine", 0), ("overwrite", "a's", 0), ("skip", "mine", 0), ("refuse", "mine", 1)])
    func `a name that is taken is treated as the receiver says`(_ policy: String, _ there: String, _ code: Int32)
        async throws
    {
        try await Tool.inFolder { folder in
            try Data("a's".utf8).write(to: URL(fileURLWithPath: folder + "/a"))
            try FileManager.default.createDirectory(atPath: folder + "/in", withIntermediateDirectories: true)
            chmod(folder + "/in", 0o700)
            try Data("mine".utf8).write(to: URL(fileURLWithPath: folder + "/in/a"))
            let received = try await receiving(folder, "--on-conflict", policy) { ticket in
                let result = try await courier(folder, "send", folder + "/a", ticket)
                #expect(result.code == code)
            }
            #expect(received.code == code)
            #expect(try String(contentsOfFile: folder + "/in/a", encoding: .utf8) == there)
            let names = try FileManager.default.contentsOfDirectory(atPath: folder + "/in").sorted()
            #expect(names == (policy == "rename" ? ["a", "a (2)"] : ["a"]))
        }
    }

    @Test func `a transfer that is killed at random moments on either side is continued, and nothing else is left`()
        async throws
    {
        let script = Self.tests + "/CourierKills/kills.py"
        let seed = "\(UInt32.random(in: 0...UInt32.max))"
        let run = try await ChildProcess.start("python3", [script, try Tool.path("courier"), "10", seed, "8"]).exit()
        #expect(run.code == 0, "\(String(decoding: run.output + run.errorOutput, as: UTF8.self))")
    }

    @Test func `a flipped bit in a part is found when the receiver hashes it again, and is named`() async throws {
        try await Tool.inFolder { folder in
            let data = try write(1_000_000, to: folder + "/a")
            try await cut(folder)
            let part = folder + "/in/a.courier-part"
            let file = try #require(FileHandle(forUpdatingAtPath: part))
            try file.seek(toOffset: 300_000)
            let byte = try #require(try file.read(upToCount: 1)?.first)
            try file.seek(toOffset: 300_000)
            try file.write(contentsOf: Data([byte ^ 4]))
            try file.close()
            let received = try await receiving(folder, "--rehash") { ticket in
                let result = try await courier(folder, "send", folder + "/a", ticket)
                #expect(result.code == 0)
            }
            let errors = String(decoding: received.errorOutput, as: UTF8.self)
            #expect(received.code == 0)
            #expect(
                errors.contains("a: 1 of 3 chunks from an earlier transfer are damaged (1), and come again"),
                "\(errors)"
            )
            #expect(try Data(contentsOf: URL(fileURLWithPath: folder + "/in/a")) == data)
        }
    }

    /// Leaves a part of `a` of which all but the last chunk are there: as a transfer that is cut before its end does.
    private func cut(_ folder: String) async throws {
        let received = try await receiving(folder) { ticket in
            let result = try await courier(folder, "send", folder + "/a", ticket)
            #expect(result.code == 0)
        }
        try #require(received.code == 0)
        let script = """
            set -e; cd "$1/in"; cp a copy; rm a
            python3 "$2" copy a.courier-part a.courier-journal
            rm copy
            """
        let journal = Self.tests + "/CourierKills/part.py"
        let made = try await ChildProcess.start("/bin/sh", ["-c", script, "sh", folder, journal]).exit()
        try #require(made.code == 0, "\(String(decoding: made.errorOutput, as: UTF8.self))")
    }

    @Test func `a second sender learns that the receiver is busy, and the first one is not disturbed`() async throws {
        try await Tool.inFolder { folder in
            _ = try write(200, to: folder + "/a")
            _ = try write(60_000_000, to: folder + "/large")
            let received = try await receiving(folder) { ticket in
                let path = try Tool.path("courier")
                let first = try await ChildProcess.start(
                    path,
                    ["send", folder + "/large", ticket, "--key", folder + "/sender.ed25519"]
                )
                _ = try await eventually("the transfer has begun") { () -> Bool? in
                    FileManager.default.fileExists(atPath: folder + "/in/large.courier-part") ? true : nil
                }
                // So that it is not through before the other one comes.
                kill(first.pid, SIGSTOP)
                let other = try await Tool.run(
                    "courier",
                    ["send", folder + "/a", ticket, "--key", folder + "/other.ed25519"]
                )
                kill(first.pid, SIGCONT)
                #expect(other.code == 4, "\(other.errors)")
                #expect(other.errors.contains("it is busy with another machine"))
                #expect(await first.exit().code == 0)
            }
            #expect(received.code == 0)
        }
    }
}
