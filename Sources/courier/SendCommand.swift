internal import ArgumentParser
internal import CommandLineTool
internal import FileTransfer
internal import FileTransferNode
internal import Operations
internal import PacketIO

struct SendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send",
        abstract: "Send files and folders to a courier that receives.",
        discussion: """
            To a machine that you reach by ssh, as with scp (courier must be installed there):
              courier send FILE FOLDER user@host:path

            To a machine that runs `courier serve` and trusts this one, by its name (`courier peer add`) or its address:
              courier send FILE laptop
              courier send FILE PP-…@192.0.2.1:4900

            A transfer that was cut is continued by sending the same again: only what is missing moves.
            """
    )

    @Argument(
        help: ArgumentHelp(
            "Files and folders, then the ticket that `courier receive` prints, a peer's name, ID@HOST:PORT, or user@host:path.",
            valueName: "path… to"
        )
    )
    var words: [String]

    @Option(help: ArgumentHelp("The ssh command for user@host:path, with its options.", valueName: "command"))
    var ssh = "ssh"

    @Option(help: ArgumentHelp("The courier on that host.", valueName: "program"))
    var remoteCourier = "courier"

    @Option(
        help: ArgumentHelp(
            "For user@host:path, if a file's name is taken: rename, overwrite, skip or refuse.",
            valueName: "what"
        )
    )
    var onConflict = "refuse"

    @Option(
        help: ArgumentHelp(
            "How the rate follows the path: cubic, as TCP does, or bbr, for paths that lose packets without being full, such as radio.",
            valueName: "algorithm"
        )
    )
    var congestion = "cubic"

    @OptionGroup var shared: SharedOptions

    func validate() throws {
        guard words.count >= 2 else {
            throw ValidationError(
                "give at least one file or folder, and the ticket that `courier receive` prints on the other machine, a peer's "
                    + "name, ID@HOST:PORT or user@host:path"
            )
        }
        _ = try Receiver(parsing: words[words.count - 1])
        if CongestionControl.Algorithm(rawValue: congestion) == nil {
            throw ValidationError("--congestion \(congestion): must be cubic or bbr")
        }
        if ConflictPolicy(rawValue: onConflict) == nil {
            throw ValidationError("--on-conflict \(onConflict): must be rename, overwrite, skip or refuse")
        }
    }

    func run() async throws {
        let (remote, contact) = try receiver()
        let paths = Array(words.dropLast())
        let identity = try shared.identity()
        let values = shared.valuesFolder
        let algorithm = CongestionControl.Algorithm(rawValue: congestion) ?? .cubic
        let wakeUp = try WakeUp()
        let meter = TransferMeter()
        let result = try await Blocking.run("send", cancelingWith: wakeUp) {
            try FileSending.send(
                paths,
                to: contact,
                keepingValuesIn: values,
                congestion: algorithm,
                identity: identity,
                wakeUp: wakeUp
            ) { meter.show($0) }
        }
        meter.clear()
        // It has told this side what became of the files.
        _ = remote?.exitCode()
        try TransferReport.put(result, isSent: true, seconds: meter.seconds, json: shared.json)
    }

    /// How to reach the receiver, and the ssh that runs it, if this side starts it.
    private func receiver() throws -> (TerminalChild?, PeerContact) {
        switch try Receiver(parsing: words[words.count - 1]) {
        case .ticket(let ticket): return (nil, PeerContact(ticket))
        case .location(let place): return (nil, try PeerContact(place.endpointID, at: [place]))
        case .name(let name): return (nil, try Contacts.contact(named: name))
        case .remote(let remote):
            let command = ssh.split(separator: " ").map(String.init)
            let (child, ticket) = try remote.start(ssh: command, courier: remoteCourier, onConflict: onConflict)
            return (child, PeerContact(ticket))
        }
    }
}
