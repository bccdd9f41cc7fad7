import Foundation
import Operations
import Testing

@Suite("Few descriptors", .timeLimit(.minutes(3)))
struct DescriptorTests {
    @Test("strangers from many addresses do not use up the descriptors: a paired peer is served beside them")
    func strangers() async throws {
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

    @Test("a server without a free descriptor does not spin, and serves when there is one again")
    func exhausted() async throws {
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

    /// Sees the process use less than a third of what a busy one gets beside it, once it has taken in what came. A loop that
    /// only tries again gets as much as the busy one, however loaded the machine is.
    private func expectRest(of pid: Int32) async throws {
        let busy = try await ChildProcess.start("sh", ["-c", "while :; do :; done"])
        do {
            try await eventually("the server waits") { () -> Bool? in
                let before = (own: try Self.cpuTicks(of: pid), busy: try Self.cpuTicks(of: busy.pid))
                try await Task.sleep(for: .seconds(2))
                let used = try Self.cpuTicks(of: pid) - before.own
                return 3 * used < (try Self.cpuTicks(of: busy.pid)) - before.busy ? true : nil
            }
            await busy.terminate()
        } catch {
            await busy.terminate()
            throw error
        }
    }

    /// Hundredths of a second of CPU that a process used.
    private static func cpuTicks(of pid: Int32) throws -> Int {
        let stat = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
        let fields = try #require(stat.split(separator: ")").last).split(separator: " ")
        return try #require(Int(fields[11])) + #require(Int(fields[12]))
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
