internal import ArgumentParser
internal import CommandLineTool
internal import FileTransfer
internal import FileTransferNode
internal import Identity
internal import Operations
internal import PacketIO
internal import Peers
internal import Synchronization

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Receive files from trusted peers, until it is ended.",
        discussion: """
            Peers send to it without a ticket: by this machine's name in their address book, or to ID@HOST:PORT. Who is not \
            trusted (`courier peer trust`) is turned away; a change of trust applies at once. It receives from one peer at a \
            time, and asks nothing.
            """
    )

    @Option(help: ArgumentHelp("Where files go.", valueName: "folder"))
    var to = "."

    @Option(help: ArgumentHelp("The address and port to receive on.", valueName: "address"))
    var listen = "0.0.0.0:\(PeerLocation.defaultPort)"

    @Option(
        help: ArgumentHelp(
            "If a file's name is taken: rename (\"NAME (2)\"), overwrite, skip or refuse.",
            valueName: "what"
        )
    )
    var onConflict = "refuse"

    @Flag(help: "Have every file on the disk before it counts as received.")
    var durable = false

    @OptionGroup var shared: SharedOptions

    func validate() throws {
        if InternetAddress(listen) == nil {
            throw ValidationError("--listen \(listen): not an address and a port, such as 0.0.0.0:4900 or [::]:4900")
        }
        if ConflictPolicy(rawValue: onConflict) == nil {
            throw ValidationError("--on-conflict \(onConflict): must be rename, overwrite, skip or refuse")
        }
    }

    private struct Started: Encodable {
        let endpointID: String
        let listen: String
        let folder: String

        enum CodingKeys: String, CodingKey {
            case listen, folder
            case endpointID = "endpoint_id"
        }
    }

    func run() async throws {
        guard let address = InternetAddress(listen), let conflicts = ConflictPolicy(rawValue: onConflict) else {
            return
        }
        let identity = try shared.identity()
        let book = try Contacts.book()
        try ReceivingFolder.create(to)
        let wakeUp = try WakeUp()
        var options = DiskSink.Options()
        options.isDurable = durable
        let strangers = StrangerLog()
        let receiving = try FileReceiving(
            address,
            into: to,
            options: options,
            admitting: .peers { peer in
                let isTrusted = (try? book.permits(.sendFiles, to: peer)) ?? false
                if !isTrusted { strangers.say(peer) }
                return isTrusted
            },
            identity: identity
        )
        try announce(receiving, identity)
        while true {
            do {
                let meter = TransferMeter()
                defer { meter.clear() }
                let result = try await Blocking.run("serve", cancelingWith: wakeUp) {
                    try receiving.receive(
                        wakeUp: wakeUp,
                        decide: { offer in
                            // It may have lost its trust since the session began.
                            (try? book.permits(.sendFiles, to: offer.peer)) ?? false
                                ? .accept(conflicts) : .refuse("it does not trust this machine anymore")
                        },
                        progress: { meter.show($0) }
                    )
                }
                try TransferReport.put(
                    result,
                    isSent: false,
                    seconds: meter.seconds,
                    form: shared.json ? .json : .lines
                )
            } catch let error as TransferError {
                CourierCommand.say(LogText.plain(error.description))
            }
        }
    }

    /// Where senders find it, in the form that they type.
    private func announce(_ receiving: FileReceiving, _ identity: IdentityKey) throws {
        let bound = receiving.boundAddress
        if shared.json {
            return try CommandOutput.put(
                json: Started(endpointID: "\(identity.endpointID)", listen: "\(bound)", folder: to)
            )
        }
        let hosts = bound.host.isAny ? LocalHosts.all().filter { $0.isIPv4 == bound.host.isIPv4 } : [bound.host]
        for host in hosts {
            CommandOutput.line("\(identity.endpointID)@\(InternetAddress(host, port: bound.port))")
        }
        if try Contacts.book().peers().allSatisfy({ !$0.permissions.contains(.sendFiles) }) {
            CourierCommand.say(
                "no peer is trusted yet: `courier peer add NAME ID --trust`, where ID is what `courier id` prints there"
            )
        }
    }
}

/// Lines about machines that are not trusted: one a minute at most, however many try.
private final class StrangerLog: Sendable {
    private let last = Mutex<ContinuousClock.Instant?>(nil)

    func say(_ peer: EndpointID) {
        let isDue = last.withLock { last in
            let now = ContinuousClock.now
            if let last, now - last < .seconds(60) { return false }
            last = now
            return true
        }
        if isDue { CourierCommand.say("turned away \(peer), which is not trusted here") }
    }
}
