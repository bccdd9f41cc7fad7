internal import Identity
internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

/// What the person at the terminal reads when there is no connection.
@Suite("A reflector that cannot be reached", .timeLimit(.minutes(3)))
struct ConnectFailureTests {
    private func reason(_ address: ReflectorAddress) async throws -> String {
        let context = try LinkClient.context(for: IdentityKey())
        let error = await failure { try await LinkClient.connect(to: address, context: context) }
        return "\(try #require(error as? LinkClientError))"
    }

    @Test func `a name without an address is a matter of spelling, a refused connection one of the reflector`()
        async throws
    {
        let id = IdentityKey().endpointID
        // No name server is asked for an empty label.
        let unknown = try await reason(ReflectorAddress(host: "nowhere..invalid", port: 4000, endpointID: id))
        #expect(unknown.contains("no address for nowhere..invalid") && unknown.contains("spelled"))
        #expect(!unknown.contains("port open"))
        // Nothing listens on port 1 of loopback.
        let refused = try await reason(ReflectorAddress(host: "127.0.0.1", port: 1, endpointID: id))
        #expect(refused.contains("Connection refused") && refused.contains("is the reflector running"))
    }

    @Test func `another key than the one asked for is shown below it, and no line is wider than eighty columns`()
        async throws
    {
        try await ScriptedReflector.with { _ in
            nil
        } _: { reflector in
            var address = reflector.address
            let found = address.endpointID
            address.endpointID = IdentityKey().endpointID
            let text = TextStyle(columns: 80).message("paramedic: \(try await reason(address))")
            let lines = text.split(separator: "\n")
            #expect(lines[1] == "  asked  \(address.endpointID)" && lines[2] == "  found  \(found)")
            #expect(text.contains("rotated"))
            for line in lines { #expect(line.count <= 80) }
        }
    }

    @Test func `a connection that ends after answers was lost; one that ends before them may be a stranger's`()
        async throws
    {
        for answers in [true, false] {
            try await ScriptedReflector.with { message in
                message.type == "hello" ? .serverHello(ScriptedReflector.hello) : nil
            } _: { reflector in
                let context = try LinkClient.context(for: IdentityKey())
                let client = try await LinkClient.connect(to: reflector.address, context: context)
                if answers { _ = try await client.hello() }
                await client.close()
                let error = await failure { try await client.hello() }
                switch error as? LinkClientError {
                case .lost: #expect(answers)
                case .closed: #expect(!answers)
                default: Issue.record("\(String(describing: error))")
                }
            }
        }
    }
}
