internal import OwnThread
internal import Testing

@testable import PacketIO

@Suite(.ownThread) struct ConnectionOwnerTests {
    @Test func `an open connection of this user is found, and a closed one has no owner`() throws {
        let listener = try Socket.listenTCP(InternetAddress(.loopbackIPv4, port: 0))
        let local = try listener.localAddress()
        func ask(_ remote: InternetAddress) -> Bool { ConnectionOwner.isThisUser(remote: remote, local: local) }
        let remote: InternetAddress
        do {
            let client = try Socket.connectTCP(local)
            remote = try client.localAddress()
            #expect(ask(remote))
            #expect(!ask(InternetAddress(remote.host, port: remote.port ^ 1)))
            #expect(!ask(InternetAddress(.loopbackIPv6, port: remote.port)))
        }
        #expect(!ask(remote))
    }
}
