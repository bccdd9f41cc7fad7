internal import ArgumentParser
internal import CommandLineTool
internal import Dispatch
internal import FileTransfer
internal import FileTransferNode
internal import Glibc
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
            trusted (`courier peer trust`) is turned away; a change of trust applies at once. It asks nothing. What is not \
            given here is read from section [serve] of courier.toml; SIGHUP reads on_conflict and durable again, the rest \
            needs a restart.
            """
    )

    @Option(help: ArgumentHelp("Where files go; the current folder by default.", valueName: "folder"))
    var to: String?

    @Option(
        help: ArgumentHelp(
            "The address and port to receive on; 0.0.0.0:\(PeerLocation.defaultPort) by default.",
            valueName: "address"
        )
    )
    var listen: String?

    @Option(
        help: ArgumentHelp(
            "If a file's name is taken: rename (\"NAME (2)\"), overwrite, skip or refuse, the default.",
            valueName: "what"
        )
    )
    var onConflict: String?

    @Flag(help: "Have every file on the disk before it counts as received.")
    var durable = false

    @Option(
        help: ArgumentHelp(
            "Transfers at the same time, 1 to \(FileReceiving.mostPlaces); \(CourierConfiguration.defaultTransfers) by default. One peer gets half of them at most.",
            valueName: "count"
        )
    )
    var maxTransfers: Int?

    @OptionGroup var shared: SharedOptions

    func validate() throws {
        if let listen { _ = try ListenOption.parse(listen) }
        if let onConflict, ConflictPolicy(rawValue: onConflict) == nil {
            throw ValidationError("--on-conflict \(onConflict): must be rename, overwrite, skip or refuse")
        }
        if let maxTransfers, !(1...FileReceiving.mostPlaces).contains(maxTransfers) {
            throw ValidationError("--max-transfers \(maxTransfers): must be 1 to \(FileReceiving.mostPlaces)")
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

    // What may change while it runs.

    private func conflicts(_ configuration: CourierConfiguration) -> ConflictPolicy {
        onConflict.flatMap { ConflictPolicy(rawValue: $0) } ?? configuration.onConflict
    }

    private func options(_ configuration: CourierConfiguration) -> DiskSink.Options {
        var options = DiskSink.Options()
        options.isDurable = durable || configuration.isDurable
        return options
    }

    func run() async throws {
        let configuration = try shared.configuration()
        let address = try listen.map(ListenOption.parse) ?? configuration.listenAddress
        let to = to ?? configuration.folder
        let identity = try shared.identity(configuration)
        let book = try Contacts.book()
        try ReceivingFolder.create(to)
        let conflicts = Held(self.conflicts(configuration))
        let wakeUp = try WakeUp()
        let strangers = StrangerLog()
        let receiving = try FileReceiving(
            address,
            into: to,
            options: self.options(configuration),
            admitting: .peers { peer in
                let isTrusted = (try? book.permits(.sendFiles, to: peer)) ?? false
                if !isTrusted { strangers.say(peer) }
                return isTrusted
            },
            places: maxTransfers ?? configuration.maxTransfers,
            identity: identity
        )
        let hangUp = HangUp.watch {
            do {
                let configuration = try shared.configuration()
                conflicts.value = self.conflicts(configuration)
                receiving.use(self.options(configuration))
                CourierCommand.say("read the configuration again")
            } catch { CourierCommand.say("the configuration is not read again: \(error)") }
        }
        defer { hangUp?.cancel() }
        try announce(receiving, identity, to, book)
        let form: TransferReport.Form = shared.json ? .json : .lines
        try await Blocking.run("serve", cancelingWith: wakeUp) {
            var board = TransferBoard()
            defer { board.clear() }
            try receiving.run(
                wakeUp: wakeUp,
                ask: { offer, answer in
                    // It may have lost its trust since the session began.
                    let isTrusted = (try? book.permits(.sendFiles, to: offer.peer)) ?? false
                    answer.give(
                        isTrusted ? .accept(conflicts.value) : .refuse("it does not trust this machine anymore")
                    )
                },
                each: { number, event in
                    board.take(number, event, form: form)
                    return true
                }
            )
        }
    }

    /// Where senders find it, in the form that they type.
    private func announce(_ receiving: FileReceiving, _ identity: IdentityKey, _ to: String, _ book: AddressBook) throws
    {
        if shared.json {
            return try CommandOutput.put(
                json: Started(endpointID: "\(identity.endpointID)", listen: "\(receiving.boundAddress)", folder: to)
            )
        }
        for address in receiving.addresses(hosts: LocalHosts.all()) {
            CommandOutput.line("\(identity.endpointID)@\(address)")
        }
        if try book.peers().allSatisfy({ !$0.permissions.contains(.sendFiles) }) {
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

/// A value that a signal changes.
private final class Held<Value: Sendable>: Sendable {
    private let state: Mutex<Value>

    init(_ value: Value) { state = Mutex(value) }

    var value: Value {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}

/// Calls when SIGHUP comes, unless the program was started to ignore it.
private enum HangUp {
    static func watch(_ body: @escaping @Sendable () -> Void) -> (any DispatchSourceSignal)? {
        guard TerminationSignals.all.contains(SIGHUP) else { return nil }
        signal(SIGHUP, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: SIGHUP, queue: .global())
        source.setEventHandler(handler: body)
        source.resume()
        return source
    }
}
