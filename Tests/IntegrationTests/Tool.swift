internal import Foundation
internal import Operations
internal import Synchronization

/// The built executables, run as a person would.
enum Tool {
    /// Beside the test bundle.
    static func path(_ name: String) throws -> String {
        let folder = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(fileURLWithPath: folder).deletingLastPathComponent().appendingPathComponent(name).path
    }

    /// Makes a folder for `body`, and removes it afterward.
    static func inFolder(_ body: (String) async throws -> Void) async throws {
        let folder = NSTemporaryDirectory() + "it-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await body(folder)
    }

    struct Result {
        let code: Int32
        let output: String
        let errors: String

        /// The lines of standard output.
        var lines: [String] { output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) }

        func json() throws -> [String: Any] {
            try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any] ?? [:]
        }

        func list() throws -> [Any] {
            guard let list = try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [Any] else {
                throw Installation.Problem("no list: \(output)")
            }
            return list
        }
    }

    static func run(_ name: String, _ arguments: [String], _ environment: [String: String] = [:]) async throws -> Result
    {
        let exit = try await start(name, arguments, environment).exit()
        return Result(
            code: exit.code,
            output: String(decoding: exit.output, as: UTF8.self),
            errors: String(decoding: exit.errorOutput, as: UTF8.self)
        )
    }

    static func start(
        _ name: String,
        _ arguments: [String],
        _ environment: [String: String] = [:]
    ) async throws -> ChildProcess {
        try await ChildProcess.start(try path(name), arguments, environment: environment)
    }
}

/// A reflector in a process of its own, and the client's state beside it.
final class Installation: Sendable {
    let folder: String
    let environment: [String: String]

    init(_ settings: [String: String] = [:]) throws {
        folder = NSTemporaryDirectory() + "it-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var environment = [
            "REFLECTOR_IDENTITY_PRIVATE_KEY_PATH": folder + "/r/identity.ed25519",
            // Kept across restarts, because the client remembers it.
            "REFLECTOR_NETWORK_LISTEN_ADDRESS": "127.0.0.1:\(try Self.freePort())",
            "REFLECTOR_HEALTH_LISTEN_ADDRESS": "127.0.0.1:0",
            "REFLECTOR_NETWORK_DATA_PORT_RANGE_START": "30000",
            "REFLECTOR_NETWORK_DATA_PORT_RANGE_END": "31999",
            "REFLECTOR_QUOTAS_COOLDOWN_SEC": "0",
            "REFLECTOR_QUOTAS_MAX_TESTS_PER_HOUR_PER_PEER": "1000",
            "REFLECTOR_QUOTAS_MAX_BYTES_PER_DAY_PER_PEER": "1000000000000",
            "PARAMEDIC_STATE": folder + "/p",
            "HOME": folder,
            "XDG_CONFIG_HOME": folder + "/config",
        ]
        environment.merge(settings) { $1 }
        self.environment = environment
    }

    private static let lastPort = Mutex(Int.random(in: 12_000..<19_000))

    /// A port of loopback that was free a moment ago and that the system gives to no connection by itself.
    static func freePort() throws -> Int {
        for _ in 0..<1_000 {
            let candidate = lastPort.withLock { port in
                port = port < 19_999 ? port + 1 : 12_000
                return port
            }
            guard let (port, descriptor) = try? listen(on: candidate) else { continue }
            close(descriptor)
            return port
        }
        throw Problem("no port is free")
    }

    /// A port of loopback that takes connections and never answers; the caller closes the descriptor.
    static func listen(on port: Int = 0) throws -> (port: Int, descriptor: Int32) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        address.sin_port = UInt16(port).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 ? getsockname(descriptor, $0, &length) : -1
            }
        }
        guard result == 0, Glibc.listen(descriptor, 8) == 0 else {
            close(descriptor)
            throw Problem("no port is free")
        }
        return (Int(UInt16(bigEndian: address.sin_port)), descriptor)
    }

    /// The control port.
    var port: Int {
        environment["REFLECTOR_NETWORK_LISTEN_ADDRESS"].flatMap { Int($0.split(separator: ":").last ?? "") } ?? 0
    }

    /// Runs `body` and takes the folder away afterwards.
    static func with(
        _ settings: [String: String] = [:],
        _ body: (Installation) async throws -> Void
    ) async throws {
        let installation = try Installation(settings)
        defer { try? FileManager.default.removeItem(atPath: installation.folder) }
        try await body(installation)
    }

    func reflector(_ arguments: String...) async throws -> Tool.Result {
        try await Tool.run("reflector", arguments, environment)
    }

    func paramedic(_ arguments: String...) async throws -> Tool.Result {
        try await Tool.run("paramedic", arguments, environment)
    }

    /// Starts `serve` and returns when it answers.
    /// - Parameter limit: open files that the process may have; nil for those of the tests.
    func serve(_ arguments: [String] = ["serve"], openFiles limit: Int? = nil) async throws -> ChildProcess {
        let server =
            if let limit {
                try await ChildProcess.start(
                    "prlimit",
                    ["--nofile=\(limit):\(limit)", try Tool.path("reflector")] + arguments,
                    environment: environment
                )
            } else {
                try await Tool.start("reflector", arguments, environment)
            }
        do {
            return try await eventually("serve answers") {
                if !server.isRunning {
                    throw Problem("serve ended: " + String(decoding: await server.exit().errorOutput, as: UTF8.self))
                }
                return try await reflector("status").code == 0 ? server : nil
            }
        } catch {
            await server.terminate()
            throw error
        }
    }

    /// Runs `body` beside a running server, which is ended afterwards.
    func serving(_ body: (ChildProcess) async throws -> Void) async throws {
        let server = try await serve()
        do {
            try await body(server)
            await server.terminate()
        } catch {
            await server.terminate()
            throw error
        }
    }

    /// Pairs the client by the line that `pair` prints, and these options; returns the token.
    @discardableResult
    func pair(_ options: String...) async throws -> String {
        let offer = try await reflector("pair", "--ttl", "1m")
        guard let line = offer.output.split(separator: "\n").last?.split(separator: " ").map(String.init),
            line.count > 2,
            let token = line.last
        else { throw Problem("pair: \(offer.output) \(offer.errors)") }
        let paired = try await Tool.run("paramedic", Array(line.dropFirst()) + options, environment)
        guard paired.code == 0 else { throw Problem("paramedic pair: \(paired.errors)") }
        return token
    }

    struct Problem: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }
}

/// Asks again until there is an answer: for what happens in another process. Fails after two minutes, but not before it
/// has asked often: only something that never happens does not happen in that time.
@discardableResult
func eventually<Result>(_ what: String, _ body: () async throws -> Result?) async throws -> Result {
    let deadline = ContinuousClock.now + .seconds(120)
    var looks = 0
    while ContinuousClock.now < deadline || looks < 200 {
        looks += 1
        if let result = try await body() { return result }
        try await Task.sleep(for: .milliseconds(20))
    }
    throw Installation.Problem("did not happen within two minutes: \(what)")
}
