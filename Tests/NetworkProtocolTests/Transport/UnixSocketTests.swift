internal import Foundation
internal import Glibc
internal import Testing

@testable import NetworkProtocol

@Suite("A Unix socket", .timeLimit(.minutes(5)))
struct UnixSocketTests {
    private func mode(_ path: String) -> mode_t {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode : 0
    }

    @Test func `a Unix socket is open to its user alone, and gone when the daemon is`() async throws {
        let path = try await TestDaemon.with(.unix) { daemon in
            #expect(mode(daemon.ends.socketPath) == S_IFSOCK | 0o600)
            return daemon.ends.socketPath
        }
        #expect(mode(path) == 0)
    }

    @Test func `a Unix socket that was replaced while its daemon ran is not removed by that daemon`() async throws {
        let ends = try TestEnds()
        defer { ends.remove() }
        try await TestDaemon.with([.unix(path: ends.socketPath)], .forTests, DaemonOptions(), ends) { first in
            #expect(unlink(ends.socketPath) == 0)
            try await TestDaemon.with([.unix(path: ends.socketPath)], .forTests, DaemonOptions(), ends) { second in
                first.daemon.shutDown()
                try await first.running.value
                let client = try await second.connect(.unix)
                let reply = try await client.request("reverse", [1, 2])
                #expect(reply == [2, 1])
                await client.close()
            }
        }
    }

    @Test func `a Unix socket of a daemon that cannot listen elsewhere is gone`() async throws {
        try await TestDaemon.with(.plaintextTCP) { daemon in
            let path = daemon.ends.folder + "/other"
            let taken = Listener.insecurePlaintextTCP(host: "127.0.0.1", port: daemon.port)
            let second = Daemon(
                listening: [.unix(path: path), taken],
                dispatcher: .forTests,
                logger: TestDaemon.silent
            )
            await #expect(throws: DaemonError.self) { try await second.run() }
            #expect(mode(path) == 0)
        }
    }

    @Test func `a Unix socket that a dead process left is replaced`() async throws {
        let ends = try TestEnds()
        defer { ends.remove() }
        // Bound and closed without being removed, as after SIGKILL.
        close(try await UnixListeningSocket.listen(ends.socketPath, backlog: 1))
        #expect(mode(ends.socketPath) & S_IFMT == S_IFSOCK)
        try await TestDaemon.with([.unix(path: ends.socketPath)], .forTests, DaemonOptions(), ends) { daemon in
            let client = try await daemon.connect(.unix)
            let reply = try await client.request("reverse", [1, 2])
            #expect(reply == [2, 1])
            await client.close()
        }
    }

    @Test
    func
        `a Unix socket that a dead process left is taken by one of two that start at once, and the other gets an error`()
        async throws
    {
        let ends = try TestEnds()
        defer { ends.remove() }
        for _ in 0..<60 {
            close(try await UnixListeningSocket.listen(ends.socketPath, backlog: 1))
            let daemons = (0..<2).map { _ in
                Daemon(listening: [.unix(path: ends.socketPath)], dispatcher: .forTests, logger: TestDaemon.silent)
            }
            let runs = daemons.map { daemon in Task { try await daemon.run() } }
            var listening = 0
            for daemon in daemons where await !daemon.addresses().isEmpty { listening += 1 }
            #expect(listening == 1)
            let client = try await Client.connect(to: ends.destination(.unix, port: 0), logger: TestDaemon.silent)
            let reply = try await client.request("reverse", [1, 2])
            #expect(reply == [2, 1])
            await client.close()
            for daemon in daemons { daemon.shutDown() }
            let results = await [runs[0].result, runs[1].result]
            let failures = results.compactMap { result -> DaemonError? in
                if case .failure(let error) = result { return error as? DaemonError }
                return nil
            }
            #expect(
                failures == [
                    .cannotListen(
                        address: "unix:\(ends.socketPath)",
                        reason: "another program listens there; stop it or take another address"
                    )
                ]
            )
            #expect(mode(ends.socketPath) == 0)
        }
    }

    @Test func `a Unix socket in a folder that another process keeps locked is made all the same`() async throws {
        let ends = try TestEnds()
        defer { ends.remove() }
        let folder = open(ends.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        #expect(flock(folder, LOCK_EX | LOCK_NB) == 0)
        defer { close(folder) }
        try await TestDaemon.with([.unix(path: ends.socketPath)], .forTests, DaemonOptions(), ends) { daemon in
            let client = try await daemon.connect(.unix)
            let reply = try await client.request("reverse", [1, 2])
            #expect(reply == [2, 1])
            await client.close()
        }
    }

    @Test func `a Unix socket that another process listens on is left alone, and so is a file that is no socket`()
        async throws
    {
        try await TestDaemon.with(.unix) { daemon in
            let path = daemon.ends.socketPath
            await #expect(
                throws: DaemonError.cannotListen(
                    address: "unix:\(path)",
                    reason: "another program listens there; stop it or take another address"
                )
            ) {
                try await Daemon(listening: [.unix(path: path)], dispatcher: .forTests, logger: TestDaemon.silent).run()
            }
            let client = try await daemon.connect(.unix)
            let reply = try await client.request("reverse", [1, 2])
            #expect(reply == [2, 1])
            await client.close()

            let file = daemon.ends.folder + "/file"
            try Data("precious".utf8).write(to: URL(fileURLWithPath: file))
            await #expect(
                throws: DaemonError.cannotListen(
                    address: "unix:\(file)",
                    reason: "there is a file that is no socket; move it away"
                )
            ) {
                try await Daemon(listening: [.unix(path: file)], dispatcher: .forTests, logger: TestDaemon.silent).run()
            }
            #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == Data("precious".utf8))
        }
    }

    @Test func `a Unix socket whose path is too long is refused with the length`() async throws {
        let path = "/tmp/" + String(repeating: "x", count: 120)
        await #expect(
            throws: DaemonError.cannotListen(
                address: "unix:\(path)",
                reason: "the path has 125 bytes, and the system allows 1 to 107"
            )
        ) {
            try await Daemon(listening: [.unix(path: path)], dispatcher: .forTests, logger: TestDaemon.silent).run()
        }
    }

    @Test func `a Unix socket tells the handler which process is at the other end`() async throws {
        try await TestDaemon.with(.unix) { daemon in
            let client = try await daemon.connect(.unix)
            let who = try await client.request("who").text
            #expect(who == "uid \(getuid()) pid \(getpid())")
            await client.close()
        }
    }
}
