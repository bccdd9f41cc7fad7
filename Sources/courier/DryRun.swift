internal import CommandLineTool
internal import FileTransfer
internal import FileTransferNode
internal import Operations

/// What `courier send` would send.
enum DryRun {
    private struct Result: Encodable {
        struct Entry: Encodable {
            let path: String
            let kind: String
            let bytes: UInt64
        }

        let entries: [Entry]
        let notSent: [String]
        let bytes: UInt64

        enum CodingKeys: String, CodingKey {
            case entries, bytes
            case notSent = "not_sent"
        }
    }

    static func put(_ paths: [String], _ options: SendOptions, json: Bool) throws {
        let files = try OutgoingFiles(paths, options).withAllListed()
        let entries = files.entries.map { entry in
            Result.Entry(
                path: String(decoding: entry.path, as: UTF8.self),
                kind: entry.kind.name,
                bytes: entry.size
            )
        }
        if json {
            return try CommandOutput.put(
                json: Result(entries: entries, notSent: files.source.faults, bytes: files.total)
            )
        }
        for entry in entries {
            CommandOutput.line(LogText.plain(entry.path) + (entry.kind == "folder" ? "/" : ""))
        }
        for path in files.source.faults { CourierCommand.say("not sent: \(LogText.plain(path))") }
        CourierCommand.say("\(entries.count) entries, \(Quantity.bytes(Double(files.total))); nothing was sent")
    }
}

extension TransferEntry.Kind {
    /// As `--json` has it.
    var name: String {
        switch self {
        case .file: "file"
        case .folder: "folder"
        case .symbolicLink: "symbolic_link"
        }
    }
}
