internal import Identity
internal import PacketIO
internal import TemporaryFolders

@testable import FileTransfer
@testable import FileTransferNode

/// A file that goes from a sender through a NAT to a receiver, over loopback.
enum WholeTransfer {
    struct Result {
        let isWhole: Bool
        let seconds: Double
        /// How often an address changed.
        let changes: Int
        /// Bytes of the longest datagram of the sender.
        let longest: Int
        /// How often the sender's keys were exchanged anew.
        let epoch: UInt32
    }

    /// - Parameters:
    ///   - beside: begins something with the receiver's ticket, which the result keeps until the transfer is over.
    ///   - progress: called with the bytes that the sender has sent.
    static func run(
        bytes count: Int,
        changing changes: AddressTranslator.Changes = AddressTranslator.Changes(),
        options: SendOptions = SendOptions(),
        beside: (Ticket) throws -> Any = { _ in () },
        progress: (UInt64) -> Void = { _ in }
    ) throws -> Result {
        let (folder, target) = (try TemporaryFolder(), try TemporaryFolder())
        let content = SampleFile.bytes(count)
        try write(content, to: folder.file("sent"))
        let receiving = try FileReceiving(
            InternetAddress(.loopbackIPv4, port: 0),
            into: target.path,
            identity: IdentityKey()
        )
        let ticket = receiving.ticket(hosts: [])
        let translator = try AddressTranslator(to: InternetAddress(ticket.addresses[0]), changes)
        let wakeUp = try WakeUp()
        let thread = try WorkThread("receiver") {
            Swift.Result {
                try receiving.receive(wakeUp: wakeUp, decide: { _ in .accept(.overwrite) }, progress: { _ in })
            }
        }
        defer { wakeUp.signal() }
        let companion = try beside(ticket)
        defer { withExtendedLifetime(companion) {} }
        let through = Ticket(
            endpointID: ticket.endpointID,
            contactSecret: ticket.contactSecret,
            addresses: [Ticket.Address(translator.address)]
        )
        let start = KernelClock.monotonic
        var epoch: UInt32 = 0
        _ = try FileSending.send(
            [folder.file("sent")],
            to: PeerContact(through),
            options: options,
            identity: IdentityKey(),
            wakeUp: WakeUp(),
            progress: {
                progress($0.moved)
                epoch = $0.evidence?.epoch ?? epoch
            }
        )
        let seconds = Double(KernelClock.monotonic - start) / 1e9
        _ = try thread.join().get()
        let seen = try translator.stop()
        let isWhole = try TemporaryFolders.bytes(target.file("sent")) == content
        return Result(isWhole: isWhole, seconds: seconds, changes: seen.changes, longest: seen.longest, epoch: epoch)
    }
}
