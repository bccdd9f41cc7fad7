import Identity
import Testing

@testable import Reflector

@Suite("Tunnels that do not open", .timeLimit(.minutes(3)))
struct TunnelFailureTests {
    @Test(
        "a connection that does not become a tunnel is closed, whatever the answer was",
        arguments: [LinkMessage.error(LinkError(code: 403, message: "no")), .getStatus, nil]
    )
    func closed(answer: LinkMessage?) async throws {
        try await ScriptedReflector.with { _ in
            answer
        } _: { reflector in
            let context = try LinkClient.context(for: IdentityKey())
            let tunnel = try await LinkClient.connect(to: reflector.address, context: context)
            #expect(reflector.openConnections == 1)
            let open = TunnelOpen(testID: "i", token: "00")
            let error = await failure { try await tunnel.open(open, seconds: 1) { _ in } }
            #expect(error is LinkClientError)
            try await eventually("the connection is closed") { reflector.openConnections == 0 ? true : nil }
        }
    }

    @Test("a reflector that hangs up on tunnel_open is named as the one that closed the connection")
    func hungUp() async throws {
        try await ScriptedReflector.with { _ in
            nil
        } hangsUp: { _ in
            true
        } _: { reflector in
            let context = try LinkClient.context(for: IdentityKey())
            let tunnel = try await LinkClient.connect(to: reflector.address, context: context)
            let error = await failure { try await tunnel.open(TunnelOpen(testID: "i", token: "00")) { _ in } }
            guard case .closed(reflector.address.hostAndPort)? = error as? LinkClientError else {
                Issue.record("another failure: \(String(describing: error))")
                return
            }
        }
    }
}
