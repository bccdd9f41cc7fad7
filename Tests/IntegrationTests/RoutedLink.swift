internal import Foundation
internal import Operations

/// A client and a server in network namespaces of their own, with a router between them whose rates and drops are
/// known. Needs root, as the kernel does.
struct RoutedLink {
    enum Place: String {
        case client = "c"
        case router = "r"
        case server = "s"
    }

    static let serverAddress = "10.66.2.2"
    /// Of a full segment, what is payload: an Ethernet frame of 1 514 bytes, as tbf counts it, carries 1 448.
    static let payloadShare = 1_448.0 / 1_514

    let id: String

    private func name(_ place: Place) -> String { "outpost-\(id)-\(place.rawValue)" }

    /// Runs `body` with a link and takes it away, with what runs there, whatever happens.
    static func with(_ body: (RoutedLink) async throws -> Void) async throws {
        let link = RoutedLink(id: String(UUID().uuidString.prefix(8)))
        do {
            try await link.make()
            try await body(link)
            await link.remove()
        } catch {
            await link.remove()
            throw error
        }
    }

    private func make() async throws {
        let (client, router, server) = (name(.client), name(.router), name(.server))
        try await script(
            """
            for n in \(client) \(router) \(server); do ip netns add $n; ip -n $n link set lo up; done
            ip link add cl netns \(router) type veth peer name eth0 netns \(client)
            ip link add sv netns \(router) type veth peer name eth0 netns \(server)
            ip -n \(client) address add 10.66.1.2/24 dev eth0; ip -n \(router) address add 10.66.1.1/24 dev cl
            ip -n \(server) address add 10.66.2.2/24 dev eth0; ip -n \(router) address add 10.66.2.1/24 dev sv
            ip -n \(router) link set cl up; ip -n \(router) link set sv up
            ip -n \(client) link set eth0 up; ip -n \(server) link set eth0 up
            ip -n \(client) route add default via 10.66.1.1; ip -n \(server) route add default via 10.66.2.1
            ip netns exec \(router) sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'
            for n in "\(client) eth0" "\(server) eth0" "\(router) cl" "\(router) sv"; do
                set -- $n; ip netns exec $1 ethtool -K $2 tso off gso off gro off
            done
            """
        )
    }

    private func remove() async {
        for place in [Place.client, .server, .router] {
            _ = try? await script(
                "for p in $(ip netns pids \(name(place))); do kill -9 $p; done; ip netns delete \(name(place))"
            )
        }
    }

    @discardableResult
    private func script(_ text: String) async throws -> String {
        let exit = try await ChildProcess.start("sh", ["-ec", text]).exit()
        guard exit.code == 0 else {
            throw Installation.Problem("\(text): \(String(decoding: exit.errorOutput, as: UTF8.self))")
        }
        return String(decoding: exit.output, as: UTF8.self)
    }

    @discardableResult
    func shell(_ place: Place, _ text: String) async throws -> String {
        try await script("ip netns exec \(name(place)) sh -ec '\(text)'")
    }

    /// Rates and queues of both directions, as tbf takes them.
    func shape(up: String, down: String, queue: Int = 30_000) async throws {
        for (card, rate) in [("sv", up), ("cl", down)] {
            try await shell(.router, "tc qdisc replace dev \(card) root tbf rate \(rate) burst 3200 limit \(queue)")
        }
    }

    /// Drops what the router forwards and this rule of nft matches; nil: drops nothing any more.
    func drop(_ rule: String?) async throws {
        try await shell(.router, "nft flush ruleset")
        guard let rule else { return }
        try await shell(
            .router,
            "nft add table ip t; nft \"add chain ip t f { type filter hook forward priority 0; }\"; "
                + "nft add rule ip t f \(rule) counter drop"
        )
    }

    func start(_ place: Place, _ tool: String, _ arguments: [String], _ installation: Installation) async throws
        -> ChildProcess
    {
        let command = ["netns", "exec", name(place), try Tool.path(tool)] + arguments
        return try await ChildProcess.start("ip", command, environment: installation.environment)
    }

    func paramedic(_ installation: Installation, _ arguments: String...) async throws -> Tool.Result {
        let exit = try await start(.client, "paramedic", arguments, installation).exit()
        return Tool.Result(
            code: exit.code,
            output: String(decoding: exit.output, as: UTF8.self),
            errors: String(decoding: exit.errorOutput, as: UTF8.self)
        )
    }

    /// Runs `body` with a link, a reflector at its end, and a client that it knows.
    static func serving(
        _ mode: String,
        _ settings: [String: String] = [:],
        _ body: (RoutedLink, Installation) async throws -> Void
    ) async throws {
        try await with { link in
            var settings = settings
            settings["REFLECTOR_NETWORK_LISTEN_ADDRESS"] = "\(serverAddress):4000"
            settings["REFLECTOR_NETWORK_MODE"] = mode
            try await Installation.with(settings) { installation in
                let server = try await link.start(.server, "reflector", ["serve"], installation)
                do {
                    let offer = try await eventually("the reflector answers") {
                        let offer = try await installation.reflector("pair", "--json")
                        return offer.code == 0 ? try offer.json() : nil
                    }
                    guard let id = offer["endpoint_id"] as? String, let token = offer["pairing_token"] as? String else {
                        throw Installation.Problem("pair: \(offer)")
                    }
                    let target = "\(serverAddress):4000"
                    let paired = try await link.paramedic(installation, "pair", target, "--id", id, "--token", token)
                    guard paired.code == 0 else { throw Installation.Problem("pair: \(paired.errors)") }
                    try await body(link, installation)
                    await server.terminate()
                } catch {
                    await server.terminate()
                    throw error
                }
            }
        }
    }
}
