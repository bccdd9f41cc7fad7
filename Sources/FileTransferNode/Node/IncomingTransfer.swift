public import Identity
internal import Synchronization

/// What a peer wants to send. It is refused unless it is accepted before this value is gone.
public final class IncomingTransfer: Sendable, Identifiable {
    /// What happens to a file whose name is taken.
    public enum Conflict: Sendable {
        /// That file fails, and the others are received.
        case refuse
        /// The file gets the name `NAME (2)`.
        case rename
        case overwrite
        case skip
    }

    /// Unique in its node, and the same as the transfer's.
    public let id: UInt64
    public let peer: EndpointID
    /// Of the first file or folder. The peer chose it: characters that are not UTF-8 are replaced, and it may have
    /// control characters.
    public let name: String
    /// Files, folders and symbolic links.
    public let entries: Int
    public let totalSize: UInt64
    private let answer: TransferAnswer
    private let transfer: Transfer
    private let isTaken = Atomic(false)

    init(_ offer: TransferOffer, _ transfer: Transfer, _ answer: TransferAnswer) {
        id = transfer.id
        peer = offer.peer
        name = String(decoding: offer.name, as: UTF8.self)
        entries = offer.entries
        totalSize = offer.bytes
        self.answer = answer
        self.transfer = transfer
    }

    /// The program has it.
    func wasTaken() { isTaken.store(true, ordering: .relaxed) }

    /// Whether the program does not have it yet, and its answer counts.
    var isWaiting: Bool { !isTaken.load(ordering: .relaxed) && answer.decision == nil }

    /// Refuses it if no one has taken it.
    func refuseIfWaiting() { if isWaiting { answer.give(.refuse("its program does not want it")) } }

    deinit { answer.give(.refuse("its program does not want it")) }

    /// Receives it.
    public func accept(onConflict conflict: Conflict = .refuse) -> Transfer {
        let policy: ConflictPolicy =
            switch conflict {
            case .refuse: .refuse
            case .rename: .rename
            case .overwrite: .overwrite
            case .skip: .skip
            }
        answer.give(.accept(policy))
        return transfer
    }

    /// - Parameter reason: a sentence for the peer's user.
    public func refuse(_ reason: String) { answer.give(.refuse(reason)) }
}
