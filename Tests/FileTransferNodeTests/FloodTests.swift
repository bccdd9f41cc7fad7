internal import OwnThread
internal import TemporaryFolders
internal import Testing

@testable import FileTransfer
@testable import FileTransferNode

/// What a transfer does while its receiver or its keys are busy.
@Suite("Transfers beside floods, and with many keys", .timeLimit(.minutes(3)), .ownThread)
struct FloodTests {
    @Test(arguments: HandshakeFlood.Kind.allCases)
    func `first messages from many addresses do not stop a transfer, and get fewer bytes than they bring`(
        _ kind: HandshakeFlood.Kind
    ) throws {
        var flood: HandshakeFlood?
        var options = SendOptions()
        // Long enough for the flood to fill what it can.
        options.rateLimit = 32_000_000
        let result = try WholeTransfer.run(
            bytes: 6_000_000,
            options: options,
            beside: { ticket in
                let begun = try HandshakeFlood(of: kind, to: ticket)
                flood = begun
                return begun
            }
        )
        let counts = try #require(flood?.stop())
        #expect(result.isWhole)
        #expect(result.seconds < 60)
        #expect(counts.sentDatagrams > 100)
        #expect(counts.receivedBytes <= counts.sentBytes)
        // Machines that do not know the receiver get nothing at all; valid messages show that answers are seen.
        if kind == .unknown { #expect(counts.receivedBytes == 0) } else { #expect(counts.receivedBytes > 0) }
    }

    /// A GiB if OUTPOST_LONG is set.
    @Test func `keys change each 64 packets, and the file arrives`() throws {
        var options = SendOptions()
        options.rekeyPackets = 64
        let length = LongTests.areWanted ? 1 << 30 : 32 << 20
        let result = try WholeTransfer.run(bytes: length, options: options)
        #expect(result.isWhole)
        // A datagram has less than 9000 bytes.
        #expect(Int(result.epoch) >= length / 9_000 / 64 / 4, "\(result.epoch) epochs, \(result.seconds) s")
        if LongTests.areWanted { print("\(length) bytes in \(result.seconds) s, \(result.epoch) epochs") }
    }
}
