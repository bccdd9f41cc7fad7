internal import Glibc
internal import OwnThread
internal import Testing

@testable import PacketIO

@Suite(.ownThread) struct BacklogTests {
    @Test func `all streams of the largest test may come at once, before the first is accepted`() throws {
        let listener = try Socket.listenTCP(InternetAddress(.loopbackIPv4, port: 0))
        let address = try listener.localAddress()
        // 128 streams both ways. One that does not fit waits for a second.
        var open: [Int32] = []
        defer { for descriptor in open { close(descriptor) } }
        for _ in 0..<256 { open.append(try Socket.connectTCP(address, timeout: 900_000_000).release()) }
        _ = listener.raw
    }
}
