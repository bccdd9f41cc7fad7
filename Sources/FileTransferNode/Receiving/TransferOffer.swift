package import Identity

/// What a sender offers.
package struct TransferOffer: Sendable {
    /// Tells the transfer from others of its receiver.
    package let number: UInt64
    package let peer: EndpointID
    package let name: [UInt8]
    package let entries: Int
    package let bytes: UInt64
    /// Paths here that files of the offer would take, if the options ask for them.
    package let conflicts: [String]
}

/// What a user says to an offer.
package enum TransferDecision: Sendable {
    case accept(ConflictPolicy)
    case refuse(String)
}
