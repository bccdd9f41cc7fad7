/// Why a transfer did not succeed: one sentence with the remedy, and a kind for exit codes.
package struct TransferError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Kind: Sendable {
        /// The peer or its user refused.
        case refused
        /// The peer is not who it should be, or broke the protocol.
        case peer
        /// The peer cannot be reached, or was lost.
        case network
        /// A file or folder of this machine.
        case local
        /// What arrived, or what is there, is not what its digest or signature says.
        case integrity
    }

    package let kind: Kind
    package let description: String

    package init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}
