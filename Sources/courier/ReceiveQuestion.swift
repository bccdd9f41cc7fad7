internal import CommandLineTool
internal import FileTransferNode
internal import Glibc
internal import Identity
internal import Operations

/// What a person is asked about an offer, on the terminal.
struct ReceiveQuestion: Sendable {
    /// Whether a peer's offers are accepted without asking.
    let accepts: @Sendable (EndpointID) -> Bool
    /// Nil asks.
    let conflicts: ConflictPolicy?

    func ask(_ offer: TransferOffer) -> TransferDecision {
        let name = LogText.plain(String(decoding: offer.name, as: UTF8.self))
        if !accepts(offer.peer) {
            let what = offer.entries == 1 ? name : "\(name), \(offer.entries) entries"
            let size = Quantity.bytes(Double(offer.bytes))
            let answer = Self.answer(
                to: "Accept transfer of \(what) (\(size)) from \(Contacts.text(offer.peer))? [y/N] "
            )
            guard answer == "y" || answer == "yes" else { return .refuse("its user does not want it") }
        }
        if let conflicts { return .accept(conflicts) }
        guard let first = offer.conflicts.first, isatty(0) == 1 else { return .accept(.refuse) }
        let others = offer.conflicts.count == 1 ? "exists" : "and \(offer.conflicts.count - 1) more exist"
        while true {
            let answer = Self.answer(
                to: "\(LogText.plain(first)) \(others). [r]ename, [o]verwrite, [s]kip, [n]one of it? "
            )
            switch answer {
            case "r", "rename": return .accept(.rename)
            case "o", "overwrite": return .accept(.overwrite)
            case "s", "skip": return .accept(.skip)
            case "n", "none", nil: return .refuse("its user does not want it")
            default: continue
            }
        }
    }

    /// Nil at the end of standard input.
    private static func answer(to question: String) -> String? {
        StandardErrorLog.write(Array(question.utf8), to: 2)
        return readLine()?.lowercased()
    }
}
