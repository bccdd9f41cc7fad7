internal import ArgumentParser
internal import CommandLineTool
internal import FileTransferNode
internal import Operations
internal import PacketIO

struct PingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ping",
        abstract: "See whether a courier answers, and how fast.",
        discussion: """
            Opens a session as `courier send` does, so it shows that the address, the identity and the firewalls on the way are \
            right. It transfers nothing, and a receiver goes on waiting.
            """
    )

    @Argument(help: ArgumentHelp("A ticket, a peer's name, or ID@HOST:PORT.", valueName: "peer"))
    var peer: String

    @Option(help: ArgumentHelp("How many answers.", valueName: "count"))
    var count = 4

    @OptionGroup var shared: SharedOptions

    private struct Output: Encodable {
        let address: String
        let handshakeMilliseconds: Double
        let roundTripsMilliseconds: [Double]

        enum CodingKeys: String, CodingKey {
            case address
            case handshakeMilliseconds = "handshake_ms"
            case roundTripsMilliseconds = "round_trips_ms"
        }
    }

    func validate() throws {
        guard (1...1_000).contains(count) else { throw ValidationError("--count \(count): must be 1–1000") }
        if case .remote = try Receiver(parsing: peer) {
            throw ValidationError("\(peer): that is a place for ssh; give a ticket, a peer's name or ID@HOST:PORT")
        }
    }

    func run() async throws {
        let contact = try Receiver(parsing: peer).contact()
        let (identity, count) = (try shared.identity(), count)
        let wakeUp = try WakeUp()
        let result = try await Blocking.run("ping", cancelingWith: wakeUp) {
            try PeerProbe.run(contact, count: count, identity: identity, wakeUp: wakeUp)
        }
        let times = result.roundTrips.map { Double($0) / 1e6 }
        let handshake = Double(result.handshake) / 1e6
        if shared.json {
            return try CommandOutput.put(
                json: Output(
                    address: "\(result.address)",
                    handshakeMilliseconds: handshake,
                    roundTripsMilliseconds: times
                )
            )
        }
        let sorted = times.sorted()
        let text = { (milliseconds: Double) in Quantity.milliseconds(milliseconds) }
        CommandOutput.line("\(contact.endpointID) answers at UDP \(result.address)")
        CommandOutput.line(
            "handshake \(text(handshake)); round trip \(text(sorted[0])) least, \(text(sorted[sorted.count / 2])) median, "
                + "\(text(sorted[sorted.count - 1])) most of \(sorted.count)"
        )
    }
}
