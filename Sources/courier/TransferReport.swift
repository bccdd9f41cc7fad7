internal import CommandLineTool
internal import FileTransfer
internal import FileTransferNode
internal import Operations
internal import Synchronization

/// The result of a transfer on standard output.
enum TransferReport {
    private struct Result: Encodable {
        struct Entry: Encodable {
            let path: String
            let kind: String
            let bytes: UInt64
            /// verified, skipped or failed.
            let status: String
            let blake3: String?
            let error: String?
        }

        let files: [Entry]
        let notSent: [String]
        let notices: [String]
        let bytes: UInt64
        let movedBytes: UInt64
        let keptBytes: UInt64
        let seconds: Double

        enum CodingKeys: String, CodingKey {
            case files, notices, bytes, seconds
            case notSent = "not_sent"
            case movedBytes = "moved_bytes"
            case keptBytes = "kept_bytes"
        }
    }

    /// What goes to standard output.
    enum Form { case lines, json, none }

    /// Prints what arrived and keeps it in the history, and throws if something failed.
    static func put(_ result: TransferOutcome, isSent: Bool, seconds: Double, form: Form) throws {
        TransferHistory.keep(result, isSent: isSent, seconds: seconds)
        for notice in result.notices { CourierCommand.say(LogText.plain(notice)) }
        let bytes = result.entries.reduce(0) { $0 + $1.bytes }
        switch form {
        case .lines: putLines(result.entries)
        case .json: try CommandOutput.put(json: encodable(result, bytes, seconds))
        case .none: break
        }
        let isAllFailed = result.entries.allSatisfy { if case .failed = $0.outcome { true } else { false } }
        if !isAllFailed { summarize(result, seconds) }
        for path in result.omitted { CourierCommand.say("not sent: \(LogText.plain(path))") }
        let failed = result.entries.compactMap { entry -> String? in
            guard case .failed(let reason) = entry.outcome else { return nil }
            return "\(entry.path): \(reason)"
        }
        if let first = failed.first {
            let others = failed.count == 1 ? "" : " (and \(failed.count - 1) more)"
            throw TransferError(result.hasWrongFile ? .integrity : .local, "\(first)\(others)")
        }
        if !result.omitted.isEmpty {
            throw TransferError(.local, "\(result.omitted.count) of what is in the folders was not sent")
        }
    }

    /// The same for a transfer among others: prints a failure instead of throwing it.
    static func say(
        _ end: Swift.Result<TransferOutcome, any Error>,
        isSent: Bool,
        seconds: Double,
        form: Form
    ) {
        do { try put(try end.get(), isSent: isSent, seconds: seconds, form: form) } catch is CancellationError {
        } catch { CourierCommand.say(LogText.plain("\(error)")) }
    }

    /// A line for each file, but only one for all in a folder.
    private static func putLines(_ entries: [TransferredFile]) {
        var index = 0
        while index < entries.count {
            let entry = entries[index]
            index += 1
            if entry.kind != .folder {
                if case .verified(let digest?) = entry.outcome {
                    CommandOutput.line("\(digest)  \(LogText.plain(entry.path))")
                } else if entry.outcome == .skipped {
                    CourierCommand.say("\(LogText.plain(entry.path)): is there already, not changed")
                }
                continue
            }
            // What is in a folder follows it.
            var (verified, skipped) = (0, 0)
            while index < entries.count, entries[index].isIn(entry) {
                if entries[index].kind != .folder {
                    switch entries[index].outcome {
                    case .verified: verified += 1
                    case .skipped: skipped += 1
                    case .failed: break
                    }
                }
                index += 1
            }
            let there = skipped == 0 ? "" : ", \(skipped) were there already"
            CommandOutput.line("\(verified) files\(there)  \(LogText.plain(entry.path))/")
        }
    }

    private static func summarize(_ result: TransferOutcome, _ seconds: Double) {
        let moved = Quantity.bytes(Double(result.movedBytes))
        let kept = result.keptBytes == 0 ? "" : ", \(Quantity.bytes(Double(result.keptBytes))) were there"
        guard seconds > 0 else { return CourierCommand.say("\(moved)\(kept), verified") }
        let rate = Quantity.rate(Double(result.movedBytes) * 8 / seconds)
        CourierCommand.say("\(moved) in \(Quantity.seconds(seconds)), \(rate), verified\(kept)")
    }

    private static func encodable(_ result: TransferOutcome, _ bytes: UInt64, _ seconds: Double) -> Result {
        let entries = result.entries.map { entry -> Result.Entry in
            var (status, digest, error): (String, String?, String?) = ("skipped", nil, nil)
            switch entry.outcome {
            case .verified(let value): (status, digest) = ("verified", value.map { "\($0)" })
            case .skipped: break
            case .failed(let reason): (status, error) = ("failed", reason)
            }
            return Result.Entry(
                path: entry.path,
                kind: entry.kind.name,
                bytes: entry.bytes,
                status: status,
                blake3: digest,
                error: error
            )
        }
        return Result(
            files: entries,
            notSent: result.omitted,
            notices: result.notices,
            bytes: bytes,
            movedBytes: result.movedBytes,
            keptBytes: result.keptBytes,
            seconds: seconds
        )
    }
}
