internal import Foundation
internal import Operations
internal import Testing

/// With a real sshd, which has a port and keys of its own.
@Suite("courier to a host that ssh reaches", .timeLimit(.minutes(2)))
struct CourierSSHTests {
    /// Runs `body` with the words of an ssh command that reaches the test's sshd.
    private func withServer(_ body: (_ folder: String, _ ssh: String) async throws -> Void) async throws {
        try await Tool.inFolder { folder in
            let port = 20_000 + Int.random(in: 0..<20_000)
            let script = """
                set -e; cd "$1"; mkdir -p /run/sshd
                for key in host user; do ssh-keygen -q -t ed25519 -N '' -f $key; done
                cp user.pub authorized
                printf '[127.0.0.1]:%s %s\\n' "$2" "$(cat host.pub)" > known
                printf 'Port %s\\nListenAddress 127.0.0.1\\nHostKey %s/host\\nPidFile none\\nStrictModes no\\nUsePAM no\\n' "$2" "$1" > config
                printf 'AuthorizedKeysFile %s/authorized\\nSetEnv XDG_STATE_HOME=%s/there\\n' "$1" "$1" >> config
                """
            let made = try await ChildProcess.start("/bin/sh", ["-c", script, "sh", folder, "\(port)"]).exit()
            try #require(made.code == 0, "\(String(decoding: made.errorOutput, as: UTF8.self))")
            let server = try await ChildProcess.start("/usr/sbin/sshd", ["-D", "-e", "-f", folder + "/config"])
            do {
                let options = "-F /dev/null -p \(port) -i \(folder)/user -o IdentitiesOnly=yes -o BatchMode=yes"
                let ssh = "ssh \(options) -o UserKnownHostsFile=\(folder)/known"
                _ = try await eventually("sshd answers") { () async throws -> Bool? in
                    let words = ssh.split(separator: " ").map(String.init) + ["127.0.0.1", "true"]
                    return try await ChildProcess.start(words[0], Array(words.dropFirst())).exit().code == 0
                        ? true : nil
                }
                try await body(folder, ssh)
            } catch {
                await server.terminate()
                throw error
            }
            await server.terminate()
        }
    }

    /// Command lines of running processes that have this text.
    private static func processes(with text: String) -> [String] {
        let ids = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return ids.filter { Int($0) != nil }.compactMap { id in
            // The kernel reports no size for these files.
            guard let file = FileHandle(forReadingAtPath: "/proc/\(id)/cmdline"), let words = try? file.readToEnd()
            else {
                return nil
            }
            let line = String(decoding: words, as: UTF8.self)
            return line.contains(text) ? line : nil
        }
    }

    @Test func `a folder goes to a path there, also one with spaces and quotes, and nothing stays running`()
        async throws
    {
        try await withServer { folder, ssh in
            let courier = try Tool.path("courier")
            try FileManager.default.createDirectory(atPath: folder + "/tree", withIntermediateDirectories: false)
            let data = Data((0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7) })
            try data.write(to: URL(fileURLWithPath: folder + "/tree/large"))
            try Data("small".utf8).write(to: URL(fileURLWithPath: folder + "/tree/small"))
            let target = folder + "/it's \"in\" $HOME"
            let key = folder + "/sender.ed25519"
            let options = ["--ssh", ssh, "--remote-courier", courier, "--key", key]
            let sent = try await Tool.run("courier", ["send", folder + "/tree", "127.0.0.1:" + target] + options)
            #expect(sent.code == 0, "\(sent.errors)")
            #expect(try Data(contentsOf: URL(fileURLWithPath: target + "/tree/large")) == data)
            #expect(try Data(contentsOf: URL(fileURLWithPath: target + "/tree/small")) == Data("small".utf8))
            // Other content under a name that is taken.
            try Data("other".utf8).write(to: URL(fileURLWithPath: folder + "/tree/small"))
            let again = ["send", folder + "/tree", "127.0.0.1:" + target] + options
            let refused = try await Tool.run("courier", again)
            #expect(refused.code == 1)
            #expect(refused.errors.contains("tree/small exists"))
            #expect(try await Tool.run("courier", again + ["--on-conflict", "overwrite"]).code == 0)
            #expect(try Data(contentsOf: URL(fileURLWithPath: target + "/tree/small")) == Data("other".utf8))
            #expect(Self.processes(with: folder + "/it").isEmpty)
        }
    }

    @Test func `a sender that is killed leaves no receiver there`() async throws {
        try await withServer { folder, ssh in
            let path = folder + "/large"
            try await makeLarge(path)
            let courier = try Tool.path("courier")
            let sender = try await ChildProcess.start(
                courier,
                [
                    "send", path, "127.0.0.1:\(folder)/in", "--ssh", ssh, "--remote-courier", courier, "--key",
                    folder + "/sender.ed25519",
                ]
            )
            _ = try await eventually("the transfer has begun") { () -> Bool? in
                FileManager.default.fileExists(atPath: folder + "/in/large.courier-part") ? true : nil
            }
            kill(sender.pid, SIGKILL)
            _ = await sender.exit()
            _ = try await eventually("the receiver ends") { () -> Bool? in
                Self.processes(with: "\(folder)/in").isEmpty ? true : nil
            }
        }
    }

    /// So large that it is not through before the test acts.
    private func makeLarge(_ path: String) async throws {
        let made = try await ChildProcess.start("truncate", ["-s", "2G", path]).exit()
        try #require(made.code == 0)
    }

    @Test func `a host without courier, and one that ssh does not reach, are errors that say so`() async throws {
        try await withServer { folder, ssh in
            try Data("x".utf8).write(to: URL(fileURLWithPath: folder + "/a"))
            let key = folder + "/sender.ed25519"
            let missing = try await Tool.run(
                "courier",
                ["send", folder + "/a", "127.0.0.1:in", "--ssh", ssh, "--remote-courier", "no-courier", "--key", key]
            )
            #expect(missing.code == 3)
            #expect(missing.errors.contains("127.0.0.1 has no program \"no-courier\""))
            // ssh takes the first port.
            let unreachable = ssh.replacingOccurrences(of: "ssh -F", with: "ssh -p 1 -F")
            let unknown = try await Tool.run(
                "courier",
                ["send", folder + "/a", "127.0.0.1:in", "--ssh", unreachable, "--key", key]
            )
            #expect(unknown.code == 3)
            #expect(unknown.errors.contains("ssh cannot reach 127.0.0.1"))
            let noisy = try await Tool.run(
                "courier",
                ["send", folder + "/a", "127.0.0.1:in", "--ssh", ssh, "--remote-courier", "echo", "--key", key]
            )
            #expect(noisy.code == 5)
            let address = try await Tool.run(
                "courier",
                ["send", folder + "/a", "me@[::1]:in", "--ssh", "echo -n", "--key", key]
            )
            // echo ends without a line, as ssh does when its host is gone.
            #expect(address.errors.contains("me@::1: courier receive ended with code 0"))
            #expect(noisy.errors.contains("printed no ticket but \"receive --once"))
        }
    }
}
