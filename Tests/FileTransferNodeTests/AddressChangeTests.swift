internal import Cryptography
internal import Identity
internal import PacketIO
internal import TemporaryFolders
internal import Testing

@testable import FileTransfer
@testable import FileTransferNode

/// Over loopback, with a NAT in between.
@Suite("Transfers during which addresses change", .timeLimit(.minutes(2)))
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
        try withFolder { folder in
            let content = randomContent(4_000_000)
            try write(content, to: folder.file("sent"))
            let target = try TemporaryFolder()
            let receiving = try FileReceiving(
                InternetAddress(.loopbackIPv4, port: 0),
                into: target.path,
                identity: IdentityKey()
            )
            let ticket = receiving.ticket(hosts: [])
            let receiver = try #require(ticket.addresses.first.map(InternetAddress.init))
            let translator = try AddressTranslator(
                to: receiver,
                changing: side,
                every: 400_000,
                atMost: 9,
                hosts: hosts
            )
            let wakeUp = try WakeUp()
            let thread = try WorkThread("receiver") {
                Result { try receiving.receive(wakeUp: wakeUp, decide: { _ in .accept(.overwrite) }, progress: { _ in }) }
            }
            defer { wakeUp.signal() }
            let through = Ticket(
                endpointID: ticket.endpointID,
                contactSecret: ticket.contactSecret,
                addresses: [Ticket.Address(translator.address)]
            )
            let start = KernelClock.monotonic
            _ = try FileSending.send(
                [folder.file("sent")],
                to: through,
                keepingValuesIn: nil,
                congestion: .cubic,
                identity: IdentityKey(),
                wakeUp: WakeUp(),
                progress: { _ in }
            )
            let seconds = Double(KernelClock.monotonic - start) / 1e9
            _ = try thread.join().get()
            let (changes, longest) = try translator.stop()
            #expect(changes == 9)
            #expect(longest == SessionParameters.largestDatagram)
            let isWhole = try bytes(target.file("sent")) == content
            #expect(isWhole)
            // No change waits for the idle timeout.
            #expect(seconds < 25)
        }
    }

    private func randomContent(_ count: Int) -> [UInt8] {
        var state: UInt64 = 11
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 56)
        }
    }
}
