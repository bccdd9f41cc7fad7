internal import PacketIO
internal import Synchronization

/// What a user says to an offer. May be given from any thread, once; later ones do not count.
package final class TransferAnswer: Sendable {
    private let state = Mutex<TransferDecision?>(nil)
    /// Of the transfer, while it is asked about and afterward.
    package let control: TransferControl

    init(_ control: TransferControl = TransferControl()) { self.control = control }

    package func give(_ decision: TransferDecision) {
        state.withLock { if $0 == nil { $0 = decision } }
    }

    /// Nil until there is one.
    var decision: TransferDecision? { state.withLock { $0 } }
}

/// Asks about an offer. Returns at once; the answer may come later.
package typealias TransferQuestion = @Sendable (TransferOffer, TransferAnswer) -> Void

package enum BlockingQuestion {
    /// Asks on a thread of its own, because a person may take long.
    package static func asking(_ decide: @escaping @Sendable (TransferOffer) -> TransferDecision) -> TransferQuestion {
        { offer, answer in
            do {
                _ = try WorkThread("question") { answer.give(decide(offer)) }
            } catch { answer.give(.refuse("its user cannot be asked: \(error)")) }
        }
    }
}
