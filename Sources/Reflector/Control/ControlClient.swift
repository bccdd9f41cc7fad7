internal import FoundationEssentials
internal import Glibc
internal import NIOCore
internal import NIOPosix

/// The command line's end of the control socket.
package enum ControlClient {
    /// Asks the server that runs on `folder`; throws ``ControlSocketError/notRunning(folder:)`` when none does.
    package static func ask(_ request: ControlRequest, folder: String) async throws -> ControlReply {
        let path = ControlSocket.path(inFolder: folder)
        guard path.utf8.count <= ControlSocket.maximumPathLength else { throw ControlSocketError.pathTooLong(path) }
        let channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>
        do {
            channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .connectTimeout(.seconds(5))
                .connect(unixDomainSocketPath: path) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try NIOAsyncChannel(wrappingChannelSynchronously: channel)
                    }
                }
        } catch let error as IOError where [ENOENT, ECONNREFUSED, ENOTDIR].contains(error.errnoCode) {
            throw ControlSocketError.notRunning(folder: folder)
        } catch let error as IOError where error.errnoCode == EACCES {
            throw ControlSocketError.failed(
                "\(path) belongs to another user; run this as the reflector's user or as root"
            )
        }
        let payload = try LinkJSON.encode(request)
        return try await channel.executeThenClose { inbound, outbound in
            var buffer = ByteBuffer()
            LinkFrame.encode(payload, into: &buffer)
            try await outbound.write(buffer)
            var decoder = LinkFrameDecoder(limit: LinkFrame.maximumLength)
            for try await bytes in inbound {
                decoder.append(bytes)
                if let reply = try decoder.next() {
                    return try LinkJSON.decode(ControlReply.self, from: Data(reply.readableBytesView))
                }
            }
            throw ControlSocketError.failed(
                "the reflector closed the control socket without an answer; look at its log"
            )
        }
    }
}
