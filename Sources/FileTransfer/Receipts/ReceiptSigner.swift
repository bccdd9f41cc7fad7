package import Identity

/// This end's part in the receipts of a session.
package struct ReceiptSigner: Sendable {
    let identity: IdentityKey
    let peer: EndpointID
    /// Seconds since 1970.
    let clock: @Sendable () -> UInt64

    package init(_ identity: IdentityKey, peer: EndpointID, clock: @escaping @Sendable () -> UInt64) {
        self.identity = identity
        self.peer = peer
        self.clock = clock
    }

    /// The receiver's, which it has signed.
    func receipt(for files: Receipt.Files, isDurable: Bool) -> Receipt {
        var receipt = Receipt(
            sender: peer,
            receiver: identity.endpointID,
            time: clock(),
            isDurable: isDurable,
            files: files
        )
        receipt.receiverSignature = receipt.signature(of: identity)
        return receipt
    }

    /// The sender's, signed by both; nil if the receiver has not signed it.
    func countersigned(_ receipt: Receipt.Signed, for files: Receipt.Files) -> Receipt? {
        var whole = Receipt(
            sender: identity.endpointID,
            receiver: peer,
            time: receipt.time,
            isDurable: receipt.isDurable,
            files: files
        )
        guard whole.isSigned(by: peer, receipt.signature) else { return nil }
        whole.receiverSignature = receipt.signature
        whole.senderSignature = whole.signature(of: identity)
        return whole
    }
}

extension Receipt {
    /// What RECEIPT carries: what the ends do not know by themselves, and a signature.
    package struct Signed: Equatable, Sendable {
        let time: UInt64
        let isDurable: Bool
        let signature: [UInt8]
    }
}
