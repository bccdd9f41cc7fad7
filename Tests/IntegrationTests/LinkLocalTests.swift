internal import Foundation
internal import Operations
internal import Testing

/// Two network namespaces with a wire between them that has link-local addresses only. Needs root, as the kernel does.
@Suite("Link-local addresses", .timeLimit(.minutes(3)))
struct LinkLocalTests {
    @Test func `every direct test runs between link-local addresses, whose interface is part of the address`()
        async throws
    {
        try await Wire.with { wire in
            try await Installation.with([
                "REFLECTOR_NETWORK_LISTEN_ADDRESS": "[::]:4000",
                "REFLECTOR_NETWORK_MODE": "direct_ephemeral",
                "REFLECTOR_IPERF3_DEFAULT_STREAMS": "1",
            ]) { installation in
                let server = try await wire.start(0, "reflector", ["serve"], installation)
                do {
                    let offer = try await eventually("the server answers") { try await self.offer(installation) }
                    let target = "[\(wire.address)%near]:4000"
                    try await wire.run(1, ["pair", target, "--id", offer.id, "--token", offer.token], installation)
                    for test in [
                        ["latency", "--duration", "1"],
                        ["throughput", "--duration", "1", "--engine", "native"],
                        ["throughput", "--duration", "1", "--engine", "iperf3"],
                        ["throughput", "--duration", "1", "--protocol", "udp", "--bitrate", "1M", "--reverse"],
                    ] {
                        try await wire.run(1, test, installation)
                    }
                    await server.terminate()
                } catch {
                    await server.terminate()
                    throw error
                }
            }
        }
    }

    private func offer(_ installation: Installation) async throws -> (id: String, token: String)? {
        let result = try await installation.reflector("pair", "--json")
        guard result.code == 0, let id = try result.json()["endpoint_id"] as? String,
            let token = try result.json()["pairing_token"] as? String
        else { return nil }
        return (id, token)
    }
}

/// Two namespaces; the interface is called `near` in both.
private struct Wire {
    let names: [String]
    /// The first namespace's link-local address.
    let address: String

    static func with(_ body: (Wire) async throws -> Void) async throws {
        let id = UUID().uuidString.prefix(8)
        let names = ["outpost-\(id)-0", "outpost-\(id)-1"]
        do {
            for name in names { try await ip("netns", "add", name) }
            try await ip(
                "-n",
                names[0],
                "link",
                "add",
                "near",
                "type",
                "veth",
                "peer",
                "name",
                "near",
                "netns",
                names[1]
            )
            for name in names {
                // Addresses are good at once, without looking for duplicates.
                try await ip(
                    "netns",
                    "exec",
                    name,
                    "sh",
                    "-c",
                    "echo 0 > /proc/sys/net/ipv6/conf/near/accept_dad"
                )
                try await ip("-n", name, "link", "set", "lo", "up")
                try await ip("-n", name, "link", "set", "near", "up")
            }
            let address = try await linkLocal(names[0])
            _ = try await linkLocal(names[1])
            try await body(Wire(names: names, address: address))
            for name in names { try await ip("netns", "delete", name) }
        } catch {
            for name in names { _ = try? await ip("netns", "delete", name) }
            throw error
        }
    }

    /// The address that the kernel gives the interface when it is up, as soon as it can be used.
    private static func linkLocal(_ name: String) async throws -> String {
        try await eventually("the interface has a link-local address") {
            let text = try await ip("-n", name, "-6", "-o", "address", "show", "near", "-tentative")
            let field = text.split(separator: " ").first { $0.hasPrefix("fe80:") }
            return field?.split(separator: "/").first.map(String.init)
        }
    }

    @discardableResult
    private static func ip(_ arguments: String...) async throws -> String {
        let exit = try await ChildProcess.start("ip", arguments).exit()
        guard exit.code == 0 else {
            throw Installation.Problem("ip \(arguments): \(String(decoding: exit.errorOutput, as: UTF8.self))")
        }
        return String(decoding: exit.output, as: UTF8.self)
    }

    func start(_ side: Int, _ tool: String, _ arguments: [String], _ installation: Installation) async throws
        -> ChildProcess
    {
        let command = ["netns", "exec", names[side], try Tool.path(tool)] + arguments
        return try await ChildProcess.start("ip", command, environment: installation.environment)
    }

    /// Runs `paramedic` and expects success.
    func run(_ side: Int, _ arguments: [String], _ installation: Installation) async throws {
        let exit = try await start(side, "paramedic", arguments, installation).exit()
        let words = String(decoding: exit.errorOutput + exit.output, as: UTF8.self)
        #expect(exit.code == 0, "\(arguments): \(words)")
    }
}
