internal import Foundation
internal import Identity
internal import NIOCore
internal import Pairing
internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

@Suite("Pairing", .timeLimit(.minutes(5)))
struct PairingTests {
    @Test func `the right token lets a peer in, for good: also after a restart`() async throws {
        let folder = NSTemporaryDirectory() + "pair-\(UUID().uuidString.prefix(8))"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let key = IdentityKey()
        var reflector = try await TestReflector.start(in: folder)
        let offer = try await reflector.openPairing()
        var client = try await reflector.connect(key)
        let response = try await client.pair(token: offer.token, label: "laptop\u{1b}[31m\n")
        #expect(response.success)
        #expect(response.endpointID == reflector.started.endpointID)
        // The same connection is authorized from now on.
        _ = try await client.hello()
        await client.close()
        #expect(try reflector.audit(.peerPaired).count == 1)
        guard case .peers(let peers) = try await reflector.ask(.listPeers) else { return }
        #expect(peers.paired.map(\.endpointID) == [key.endpointID])
        // What a stranger calls itself cannot write to the owner's terminal.
        #expect(peers.paired[0].label == "laptop[31m")
        await reflector.stop()

        reflector = try await TestReflector.start(in: folder)
        client = try await reflector.connect(key)
        _ = try await client.hello()
        await client.close()
        await reflector.stop()
    }

    @Test func `a token is good once`() async throws {
        try await TestReflector.with { reflector in
            let offer = try await reflector.openPairing()
            let first = try await reflector.connect(IdentityKey())
            #expect(try await first.pair(token: offer.token, label: nil).success)
            let second = try await reflector.connect(IdentityKey())
            await #expect(throws: LinkClientError.self) { try await second.pair(token: offer.token, label: nil) }
            #expect(try reflector.audit(.peerPaired).count == 1)
        }
    }

    @Test func `five wrong tokens close the window, also for the right one`() async throws {
        try await TestReflector.with { reflector in
            let offer = try await reflector.openPairing()
            for attempt in 1...5 {
                let client = try await reflector.connect(IdentityKey())
                let response = try await client.pair(token: UUID().uuidString, label: nil)
                #expect(!response.success)
                #expect(response.endpointID == nil)
                #expect(response.message.contains(attempt < 5 ? "left: \(5 - attempt)" : "closed"))
            }
            let late = try await reflector.connect(IdentityKey())
            await #expect(throws: LinkClientError.self) { try await late.pair(token: offer.token, label: nil) }
            #expect(try reflector.audit(.peerPaired).isEmpty)
            _ = try await reflector.audit(.connectionDenied, count: 6)
        }
    }

    @Test func `a guesser has one try for each connection`() async throws {
        try await TestReflector.with { reflector in
            _ = try await reflector.openPairing()
            try await RawPeer.withTLS(reflector, .endpoint(IdentityKey())) { peer in
                try await peer.send(.pairRequest(PairRequest(token: "1")), id: "1")
                try await peer.send(.pairRequest(PairRequest(token: "2")), id: "2")
                #expect(await peer.next()?.payload.type == "pair_response")
                #expect(await peer.next() == nil)
            }
        }
    }

    @Test func `hellos and the token in one write are answered in their order, and the peer is in`() async throws {
        try await TestReflector.with { reflector in
            // As many as may wait for their replies, so that the token could get ahead of many.
            let hellos = reflector.configuration.limits.maxOutstandingRequests - 1
            for round in 0..<50 {
                let offer = try await reflector.openPairing()
                var bytes = ByteBuffer()
                for index in 0..<hellos {
                    bytes.writeImmutableBuffer(
                        try LinkEnvelope(requestID: "\(index)", payload: .hello(Hello(features: []))).frame()
                    )
                }
                let pairing = LinkMessage.pairRequest(PairRequest(token: offer.token))
                bytes.writeImmutableBuffer(try LinkEnvelope(requestID: "pair", payload: pairing).frame())
                let write = Array(bytes.readableBytesView)
                try await RawPeer.withTLS(reflector, .endpoint(IdentityKey())) { peer in
                    try await peer.send(write)
                    for index in 0..<hellos {
                        let answer = await peer.next()
                        #expect(answer?.payload.type == "server_hello", "round \(round)")
                        #expect(answer?.requestID == "\(index)", "round \(round)")
                    }
                    guard case .pairResponse(let response)? = await peer.next()?.payload else {
                        Issue.record("round \(round): the token was not answered")
                        return
                    }
                    #expect(response.success)
                    // And it stays.
                    try await peer.send(.getStatus, id: "status")
                    #expect(await peer.next()?.payload.type == "status_snapshot")
                }
            }
        }
    }

    @Test func `a token that comes after its time is refused`() async throws {
        try await TestReflector.with { reflector in
            let offer = try await reflector.openPairing(ttlSec: 1)
            try await eventually("the window closes") { () -> Bool? in
                guard case .status(let status) = try await reflector.ask(.status) else { return nil }
                return status.pairingOpenSec == nil ? true : nil
            }
            let client = try await reflector.connect(IdentityKey())
            await #expect(throws: LinkClientError.self) { try await client.pair(token: offer.token, label: nil) }
        }
    }

    @Test func `without a window no peer pairs`() async throws {
        try await TestReflector.with { reflector in
            let client = try await reflector.connect(IdentityKey())
            await #expect(throws: LinkClientError.self) { try await client.pair(token: UUID().uuidString, label: nil) }
            #expect(try await reflector.audit(.connectionDenied, count: 1).count == 1)
        }
    }

    @Test func `the token is in no file that the server writes`() async throws {
        try await TestReflector.with { reflector in
            let offer = try await reflector.openPairing()
            let client = try await reflector.connect(IdentityKey())
            #expect(try await client.pair(token: offer.token, label: nil).success)
            for name in try FileManager.default.contentsOfDirectory(atPath: reflector.folder) {
                guard let content = FileManager.default.contents(atPath: reflector.folder + "/" + name) else {
                    continue
                }
                #expect(content.range(of: Data(offer.token.utf8)) == nil, "\(name) holds the token")
            }
        }
    }

    @Test func `access.pairing_enabled opens a window at the start`() async throws {
        try await TestReflector.with {
            $0.pairingEnabled = true
        } _: { reflector in
            let offer = try #require(reflector.started.pairing)
            let client = try await reflector.connect(IdentityKey())
            #expect(try await client.pair(token: offer.token, label: nil).success)
            #expect(try reflector.audit(.pairingEnabled).count == 1)
        }
    }
}
