internal import Foundation
internal import Operations
internal import Testing

/// Latency tests over links that drop and delay what is known.
@Suite("Latency of a known link", .timeLimit(.minutes(10)), .serialized)
struct KnownLatencyTests {
    private func latency(_ link: RoutedLink, _ installation: Installation, seconds: Int = 2) async throws -> [String:
        Any]
    {
        let result = try await link.paramedic(installation, "latency", "--duration", "\(seconds)", "--json")
        #expect(result.code == 0, "\(result.errors)")
        return try result.json()
    }

    @Test(
        arguments: ["tunneled", "direct_ephemeral"]
    )
    func `probes that stand in a queue for longer than a second are waited for`(mode: String) async throws {
        try await RoutedLink.serving(mode) { link, installation in
            // 200 probes of 106 bytes with their headers take 4 s; nothing is dropped.
            try await link.shape(up: "40kbit", down: "10mbit", queue: 100_000)
            let json = try await latency(link, installation)
            #expect(json["lost"] as? Int == 0)
            #expect(json["received"] as? Int == json["sent"] as? Int)
            let rtt = try #require(json["rtt"] as? [String: Any])
            #expect(try #require(rtt["max_ms"] as? Double) > 1_000)
        }
    }

    @Test func `probes that could not leave this machine are reported, and are no loss of the link`() async throws {
        try await RoutedLink.serving("direct_ephemeral") { link, installation in
            let arguments = ["latency", "--duration", "4", "--json"]
            let test = try await link.start(.client, "paramedic", arguments, installation)
            let before = try await sentDatagrams(link)
            try await eventually("probes leave") { try await self.sentDatagrams(link) > before + 20 ? true : nil }
            try await link.shell(.client, "ip route delete default")
            try await Task.sleep(for: .seconds(1))
            try await link.shell(.client, "ip route add default via 10.66.1.1")
            let exit = await test.exit()
            #expect(exit.code == 0, "\(String(decoding: exit.errorOutput, as: UTF8.self))")
            let json = try #require(try JSONSerialization.jsonObject(with: Data(exit.output)) as? [String: Any])
            let missing = try #require(json["not_sent"] as? Int)
            #expect(missing > 0)
            #expect(json["send_error"] as? String != nil)
            #expect(try #require(json["sent"] as? Int) + missing + (json["skipped"] as? Int ?? 0) == 400)
            #expect(json["lost"] as? Int == 0)
        }
    }

    private func sentDatagrams(_ link: RoutedLink) async throws -> Int {
        let text = try await link.shell(.client, "cat /proc/net/snmp")
        let fields = text.split(separator: "\n").last { $0.hasPrefix("Udp:") }?.split(separator: " ")
        return fields.flatMap { $0.count > 4 ? Int($0[4]) : nil } ?? 0
    }

    @Test func `a UDP port that is not let through is named, and no loss of the link is made of it`() async throws {
        try await RoutedLink.serving("direct_ephemeral") { link, installation in
            try await link.drop("meta l4proto udp")
            let result = try await link.paramedic(installation, "latency", "--duration", "1", "--json")
            #expect(result.code == 1)
            #expect(result.errors.contains("does not answer: is it open?"), "\(result.errors)")
            #expect(try result.json()["lost"] == nil)
        }
    }

    @Test func `probes that are too large for the path are reported with its MTU, and the test goes on`() async throws {
        try await RoutedLink.serving("direct_ephemeral") { link, installation in
            try await link.shell(.router, "ip link set sv mtu 1000")
            try await link.shell(.server, "ip link set eth0 mtu 1000")
            let arguments = ["latency", "--duration", "1", "--size", "1200", "--json"]
            let exit = try await link.start(.client, "paramedic", arguments, installation).exit()
            #expect(exit.code == 0, "\(String(decoding: exit.errorOutput, as: UTF8.self))")
            let json = try #require(try JSONSerialization.jsonObject(with: Data(exit.output)) as? [String: Any])
            #expect(try #require(json["too_large"] as? Int) > 0)
            #expect(json["path_mtu"] as? Int == 1_000)
            #expect(json["lost"] as? Int == 0)
            #expect(try #require(json["received"] as? Int) > 50)
        }
    }
}
