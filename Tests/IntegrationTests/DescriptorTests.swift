internal import Foundation
internal import Operations
internal import Testing

@Suite("Few descriptors", .timeLimit(.minutes(3)))
struct DescriptorTests {
    @Test func `strangers from many addresses do not use up the descriptors: a paired peer is served beside them`()
        async throws
    {
        try await Installation.with { installation in
            let server = try await installation.serve(openFiles: 64)
            try await installation.pair()
            let flood = try Flood(connections: 120, to: installation.port)
            let path = try await installation.paramedic("path")
            #expect(path.code == 0, "\(path.errors)")
            flood.end()
            await server.terminate()
        }
    }

    @Test func `a server without a free descriptor does not spin, and serves when there is one again`() async throws {
        let health = try Installation.freePort()
        try await Installation.with(["REFLECTOR_HEALTH_LISTEN_ADDRESS": "127.0.0.1:\(health)"]) { installation in
            let server = try await installation.serve(openFiles: 64)
            try await installation.pair()
            // Monitors hold what is left, and are not the ones that are pushed out.
            let monitors = try Flood(connections: 60, to: health)
            let strangers = try Flood(connections: 40, to: installation.port)
            try await expectRest(of: server.pid)
            monitors.end()
            strangers.end()
            let path = try await installation.paramedic("path")
            #expect(path.code == 0, "\(path.errors)")
            await server.terminate()
        }
    }

    @Test(
        arguments: [4, 5, 8, 12, 16, 20, 24, 32, 40]
    )
    func `a limit that is too low for the program itself is an error, at whichever number of files it lies`(limit: Int)
        async throws
    {
        try await Installation.with { installation in
            for (program, arguments) in [
                ("paramedic", ["id"]), ("paramedic", ["path"]), ("reflector", ["serve"]), ("packetbench", ["id"]),
            ] {
                let child = try await ChildProcess.start(
                    "prlimit",
                    ["--nofile=\(limit):\(limit)", try Tool.path(program)] + arguments,
                    environment: installation.environment
                )
                let exit = await child.exit()
                let errors = String(decoding: exit.errorOutput, as: UTF8.self)
                #expect(
                    exit.code == 1 && errors.contains("the limit is \(limit), of which"),
                    "\(program): \(exit.code) \(errors)"
                )
            }
        }
    }

    @Test func `what a test cannot open any more ends that test, with a reason that says so, and neither side`()
        async throws
    {
        try await Installation.with { installation in
            let server = try await installation.serve(openFiles: 64)
            try await installation.pair()
            for limit in [48, 52, 56] {
                let child = try await ChildProcess.start(
                    "prlimit",
                    [
                        "--nofile=\(limit):\(limit)", try Tool.path("paramedic"), "throughput", "--duration", "1",
                        "--streams", "8", "--engine", "native",
                    ],
                    environment: installation.environment
                )
                let exit = await child.exit()
                let errors = String(decoding: exit.errorOutput, as: UTF8.self)
                #expect([0, 1, 4].contains(exit.code), "\(exit.code) \(errors)")
                #expect(exit.code == 0 || errors.hasPrefix("paramedic: "), "\(errors)")
                let path = try await installation.paramedic("path")
                #expect(path.code == 0, "\(path.errors)")
            }
            await server.terminate()
        }
    }

    /// Sees every thread of the process sleep at least now and then, while no descriptor is free: for ten seconds,
    /// until the first that said nothing are closed. A thread that only tries again never sleeps: it runs or waits for
    /// a processor, however loaded the machine is.
    private func expectRest(of pid: Int32) async throws {
        try await eventually("the server has no descriptor left") {
            try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count >= 63 ? true : nil
        }
        var busy: [String: Int] = [:]
        for _ in 0..<100 {
            for thread in try Self.runnableThreads(of: pid) { busy[thread, default: 0] += 1 }
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(busy.values.allSatisfy { $0 < 80 }, "of 100 looks: \(busy)")
    }

    private static func runnableThreads(of pid: Int32) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task").filter { thread in
            // The state follows the name, which is in parentheses. A thread may have ended meanwhile.
            let stat = try? String(contentsOfFile: "/proc/\(pid)/task/\(thread)/stat", encoding: .utf8)
            return stat?.split(separator: ")").last?.split(separator: " ").first == "R"
        }
    }
}

/// Connections over TCP that say nothing, each from an address of its own in 127/8.
private final class Flood {
    private var sockets: [Int32] = []

    init(connections: Int, to port: Int) throws {
        for index in 0..<connections {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            sockets.append(descriptor)
            guard Self.call(bind, descriptor, "127.0.2.\(index + 1)", 0) == 0,
                Self.call(connect, descriptor, "127.0.0.1", port) == 0
            else { throw Installation.Problem("connection \(index) could not be made: errno \(errno)") }
        }
    }

    deinit { end() }

    func end() {
        for descriptor in sockets { close(descriptor) }
        sockets = []
    }

    private static func call(
        _ function: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32,
        _ descriptor: Int32,
        _ host: String,
        _ port: Int
    ) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr(host)
        address.sin_port = UInt16(port).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                function(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
