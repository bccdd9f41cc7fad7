package import Cryptography
package import FileTransfer
package import Identity

/// What became of an entry.
package struct TransferredFile: Sendable {
    package enum Outcome: Equatable, Sendable {
        /// All of it is there. Folders and symbolic links have no digest.
        case verified(BLAKE3.Digest?)
        /// It was there already, or the receiver does not want it.
        case skipped
        case failed(String)
    }

    /// Where it is at this machine.
    let place: FilePlace
    package let kind: TransferEntry.Kind
    package let bytes: UInt64
    package let outcome: Outcome

    package var path: String { place.path }

    /// Whether it is below a folder of the same transfer.
    package func isIn(_ folder: TransferredFile) -> Bool { place.isIn(folder.place) }
}

/// A transfer that came to its end.
package struct TransferOutcome: Sendable {
    package let peer: EndpointID
    package var entries: [TransferredFile]
    /// What a person should know beside that: files that cannot be sent, damage that was repaired.
    package var notices: [String]
    /// Files and folders that were not even offered.
    package var omitted: [String] = []
    /// Bytes that moved, and those that were there from an earlier transfer.
    package var movedBytes: UInt64
    package var keptBytes: UInt64
    /// Whether a file that arrived is not what its sender hashed.
    package var hasWrongFile = false
    /// Signed by this end, and by the other one unless it vanished; nil if no file was verified.
    package var receipt: Receipt?
    /// What it is about, in its order.
    package var receiptFiles: [ReceiptFile]
}

/// How far a transfer is.
package struct TransferProgress: Sendable {
    /// Of files that are there, verified before or moved now.
    package var bytes: UInt64
    package var total: UInt64
    /// Moved in this transfer.
    package var moved: UInt64
    /// How this end sends; nil at the receiver.
    package var evidence: SessionEvidence?
}
