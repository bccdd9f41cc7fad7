internal import Foundation
internal import Identity
internal import NIOCore
internal import Synchronization
internal import Testing

@testable import LinkMeasurement
@testable import Reflector

@Suite("Large frames", .timeLimit(.minutes(3)))
struct LargeFramesTests {
    /// As large as a frame may be, of the message that takes longest to read.
    private static let hello: ByteBuffer = {
        let features = Array(repeating: "\"a\"", count: 262_000).joined(separator: ",")
        return ByteBuffer(
            string:
                "{\"request_id\":\"1\",\"payload\":{\"type\":\"hello\",\"version\":\"1.0\",\"features\":[\(features)]}}"
        )
    }()

    @Test func `one peer's frames are read one after the other, and another peer's does not wait for all of them`()
        async throws
    {
        let frames = LargeFrames()
        let (one, other) = (IdentityKey().endpointID, IdentityKey().endpointID)
        let order = Mutex<[String]>([])
        let running = Atomic(0)
        let payload = Self.hello
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            @Sendable func done(_ name: String) {
                let count = order.withLock { order in
                    order.append(name)
                    return order.count
                }
                if count == 9 { continuation.resume() }
            }
            for index in 0..<8 {
                frames.decode(payload, for: one) { result in
                    #expect(running.add(1, ordering: .relaxed).newValue == 1)
                    #expect((try? result.get())?.requestID == "1")
                    done("\(index)")
                    running.subtract(1, ordering: .relaxed)
                }
            }
            frames.decode(payload, for: other) { _ in done("other") }
        }
        let names = order.withLock { $0 }
        #expect(names.filter { $0 != "other" } == (0..<8).map { "\($0)" })
        // Behind the one that was being read, and at most one more.
        #expect(try #require(names.firstIndex(of: "other")) <= 2, "\(names)")
    }

    @Test func `of a list of names as long as a frame 64 are read`() throws {
        guard case .hello(let hello) = try LinkEnvelope.decode(Self.hello).payload else {
            Issue.record("no hello")
            return
        }
        #expect(hello.features.count == 64)
        #expect(Self.hello.readableBytes <= LinkFrame.maximumLength)
    }

    @Test func `requests behind a large frame are answered after it, from a known peer and during pairing`()
        async throws
    {
        let key = IdentityKey()
        try await TestReflector.with(peers: [key.endpointID]) { reflector in
            try await RawPeer.withTLS(reflector, .endpoint(key)) { peer in
                try await peer.send(.getStatus, id: "0")
                #expect(await peer.next()?.requestID == "0")
                try await peer.send(frame: String(buffer: Self.hello))
                try await peer.send(.hello(Hello(version: "2", features: [])), id: "2")
                #expect(await peer.next()?.requestID == "1")
                #expect(await peer.next()?.requestID == "2")
            }
            let offer = try await reflector.openPairing()
            try await RawPeer.withTLS(reflector, .endpoint(IdentityKey())) { peer in
                let padding = String(repeating: " ", count: 3 * LargeFrames.threshold)
                let token = offer.token
                try await peer.send(
                    frame: #"{"request_id":"p","payload":{"type":"pair_request","token":"\#(token)"}\#(padding)}"#
                )
                try await peer.send(.getStatus, id: "s")
                #expect(await peer.next()?.payload.type == "pair_response")
                #expect(await peer.next()?.payload.type == "status_snapshot")
            }
        }
    }
}
