internal import CNetworkNamespace
internal import Glibc
internal import OwnThread
internal import PacketIO
internal import Testing

@testable import FileTransfer
@testable import FileTransferNode

/// In a network namespace, whose loopback has a small MTU.
@Suite("Transfers over a device with any MTU", .timeLimit(.minutes(2)), .ownThread)
struct PathMTUNamespaceTests {
    private func apart<Value: Sendable>(mtu: Int32, _ body: @escaping @Sendable () throws -> Value) throws -> Value {
        try #require(geteuid() == 0, "this test needs a network namespace: run it as root")
        let thread = try WorkThread("namespace") { () -> Result<Value, any Error> in
            Result {
                try #require(enter_network_namespace(mtu) == 0)
                return try body()
            }
        }
        return try thread.join().get()
    }

    @Test(arguments: [1_280, 1_500, 9_000] as [Int32])
    func `the full size of the device is used`(_ mtu: Int32) throws {
        try apart(mtu: mtu) {
            let result = try WholeTransfer.run(bytes: 2_000_000)
            #expect(result.isWhole)
            #expect(result.longest == Int(mtu) - 28)
        }
    }

    @Test func `the MTU of the device falls in mid-transfer, and the file arrives at once`() throws {
        try apart(mtu: 9_000) {
            var hasFallen = false
            let result = try WholeTransfer.run(
                bytes: 6_000_000,
                progress: { moved in
                    guard moved > 1_500_000, !hasFallen else { return }
                    hasFallen = true
                    #expect(set_loopback_mtu(1_400) == 0)
                }
            )
            #expect(hasFallen && result.isWhole)
            #expect(result.longest == 8_972)
            #expect(result.seconds < 10)
        }
    }
}
