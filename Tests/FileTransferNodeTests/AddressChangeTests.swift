internal import OwnThread
internal import PacketIO
internal import TemporaryFolders
internal import Testing

@testable import FileTransfer
@testable import FileTransferNode

/// Over loopback, with a NAT in between.
@Suite("Transfers during which addresses change", .timeLimit(.minutes(2)), .ownThread)
struct AddressChangeTests {
    private static let hosts: [[InternetHost]] = [
        [.loopbackIPv4],
        [InternetHost(ipv4: 0x7F00_0002), InternetHost(ipv4: 0x7F00_0003)],
    ]

    @Test(arguments: [AddressTranslator.Side.back, .front], hosts)
    func `files arrive when a NAT gives an end another port or host in mid-transfer, again and again`(
        _ side: AddressTranslator.Side,
        _ hosts: [InternetHost]
    ) throws {
        let changes = AddressTranslator.Changes(side: side, every: 400_000, atMost: 9, hosts: hosts)
        let result = try WholeTransfer.run(bytes: 4_000_000, changing: changes)
        #expect(result.isWhole)
        #expect(result.changes == 9)
        #expect(result.longest == SessionParameters.largestDatagram)
        // No change waits for the idle timeout.
        #expect(result.seconds < 25)
    }
}
