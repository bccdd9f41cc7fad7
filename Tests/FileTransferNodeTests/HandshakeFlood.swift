internal import FileTransfer
internal import Identity
internal import PacketIO
internal import Synchronization

@testable import FileTransferNode

/// First messages of handshakes from many addresses of loopback, until it is let go of.
final class HandshakeFlood: Sendable {
    enum Kind: CaseIterable, Sendable {
        /// Of machines that do not know the receiver.
        case unknown
        /// Valid ones, each from another address.
        case valid
        /// One valid one, from all addresses.
        case replayed
    }

    struct Counts: Sendable {
        var sentDatagrams = 0
        var sentBytes = 0
        /// Of the answers.
        var receivedBytes = 0
    }

    private static let sources = 100
    /// The receiver's machine is this one: it has to do something else, too.
    private static let pause: Int64 = 200_000

    private let wakeUp: WakeUp
    private let thread: WorkThread<Counts>

    init(of kind: Kind, to ticket: Ticket) throws {
        let wakeUp = try WakeUp()
        self.wakeUp = wakeUp
        thread = try WorkThread("flood") { (try? Self.run(kind, ticket, wakeUp)) ?? Counts() }
    }

    func stop() -> Counts {
        wakeUp.signal()
        return thread.join()
    }

    private final class Source {
        var socket: PacketSocket
        init(_ index: Int) throws {
            socket = try PacketSocket(InternetAddress(InternetHost(ipv4: 0x7F00_0100 + UInt32(index)), port: 0))
        }
    }

    private static func message(_ ticket: Ticket) throws -> [UInt8] {
        var initiator = HandshakeInitiator(
            identity: IdentityKey(),
            peer: ticket.endpointID,
            contactSecret: ticket.contactSecret,
            parameters: SessionParameters(),
            now: .now
        )
        return try initiator.poll(.now) ?? []
    }

    private static func run(_ kind: Kind, _ ticket: Ticket, _ wakeUp: WakeUp) throws -> Counts {
        var counts = Counts()
        let target = InternetAddress(ticket.addresses[0])
        let sources = try (0..<sources).map { try Source($0) }
        var buffers = try ReceiveBuffers(capacity: 1)
        var message = try message(ticket)
        var poll = PollSet(wakeUp)
        while !poll.isWoken {
            for source in sources {
                switch kind {
                case .unknown: for index in 8..<message.count { message[index] = UInt8.random(in: 0...255) }
                case .valid: message = try Self.message(ticket)
                case .replayed: break
                }
                _ = unsafe source.socket.send(message.span.bytes, segment: 0, to: target)
                counts.sentDatagrams += 1
                counts.sentBytes += message.count
                for index in 0..<(try source.socket.receive(into: &buffers)) {
                    counts.receivedBytes += buffers.bytes(index).byteCount
                }
                _ = try poll.wait(until: KernelClock.monotonic + pause)
                if poll.isWoken { break }
            }
        }
        return counts
    }
}
