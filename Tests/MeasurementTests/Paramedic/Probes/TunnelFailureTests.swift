internal import Identity
internal import NIOCore
internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

@Suite("Tunnels that do not open", .timeLimit(.minutes(3)))
struct TunnelFailureTests {
    @Test(
        arguments: [LinkMessage.error(LinkError(code: 403, message: "no")), .getStatus, nil]
    )
    func `a connection that does not become a tunnel is closed, whatever the answer was`(answer: LinkMessage?)
        async throws
    {
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

    @Test func `an answer that is not a message is an error that shows it`() async throws {
        let tooLong = ByteBuffer(integer: UInt32.max)
        let noJSON = ByteBuffer(bytes: [0, 0, 0, 2] + Array("[[".utf8))
        let wrong = #"{"request_id":"1","payload":{"type":"status_snapshot","endpoint_id":"x"}}"#
        var badValue = ByteBuffer(integer: UInt32(wrong.utf8.count))
        badValue.writeString(wrong)
        let answers = [
            (tooLong, "frame of 4294967295 bytes is too long"), (noJSON, "the frame is not"),
            (badValue, "payload."),
        ]
        for (bytes, words) in answers {
            try await ScriptedReflector.with { _ in
                nil
            } raw: { _ in
                bytes
            } _: { reflector in
                let client = try await LinkClient.connect(
                    to: reflector.address,
                    context: try LinkClient.context(for: IdentityKey())
                )
                let error = await failure { try await client.ask(.getStatus) }
                let said = error.map { "\($0)" } ?? "no failure"
                #expect(said.contains("bytes that are not Paramedic Link") && said.contains(words), "\(said)")
                await client.close()
            }
        }
    }

    @Test func `a reflector that hangs up on tunnel_open is named as the one that closed the connection`() async throws
    {
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
