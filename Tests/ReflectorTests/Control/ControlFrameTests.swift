import Foundation
import NIOCore
import NIOPosix
import Testing

@testable import Reflector

@Suite("Frames to the control socket", .timeLimit(.minutes(1)))
struct ControlFrameTests {
    @Test(
        "an announced length beyond 64 KiB is refused at once, and the socket goes on",
        arguments: [65_537, 4_294_967_295]
    )
    func tooLong(length: UInt32) async throws {
        try await TestReflector.with { reflector in
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(unixDomainSocketPath: ControlSocket.path(inFolder: reflector.folder)) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                    }
                }
            let reply = try await channel.executeThenClose { inbound, outbound in
                try await outbound.write(ByteBuffer(integer: length))
                var decoder = LinkFrameDecoder(limit: LinkFrame.maximumLength)
                for try await bytes in inbound { decoder.append(bytes) }
                return try decoder.next().map {
                    try LinkJSON.decode(ControlReply.self, from: Data($0.readableBytesView))
                }
            }
            guard case .failed(let reason)? = reply else {
                Issue.record("\(String(describing: reply))")
                return
            }
            #expect(reason.contains("\(length) bytes"))
            guard case .status = try await reflector.ask(.status) else {
                Issue.record("the next request is not answered")
                return
            }
        }
    }
}
