package import Cryptography
package import Identity

/// What both ends of a transfer sign when it is over: section 5.5 of `Docs/COURIER-PROTOCOL.md`.
package struct Receipt: Equatable, Sendable {
    private static let label = "courier/1 receipt"
    package static let signatureLength = 64

    /// The files that the receiver has verified.
    package struct Files: Equatable, Sendable {
        package let count: UInt32
        package let bytes: UInt64
        /// That of the file if there is one; else that of the list of them.
        package let digest: BLAKE3.Digest

        private static let hashedAtOnce = 16_384

        package init(count: UInt32, bytes: UInt64, digest: BLAKE3.Digest) {
            self.count = count
            self.bytes = bytes
            self.digest = digest
        }

        /// Nil if there are none.
        ///
        /// - Parameter files: in the order of their entries.
        package init?(_ files: [ReceiptFile]) {
            guard let first = files.first else { return nil }
            count = UInt32(files.count)
            bytes = files.reduce(0) { $0 &+ $1.size }
            if files.count == 1 {
                digest = first.digest
                return
            }
            var list = BLAKE3.Hasher()
            // Hashed a few at a time: long input takes less for each byte.
            var lines: [UInt8] = []
            lines.reserveCapacity(2 * Self.hashedAtOnce)
            for file in files {
                lines.append(bigEndian: UInt16(file.path.count))
                lines += file.path
                lines.append(bigEndian: file.size)
                lines += file.digest
                guard lines.count >= Self.hashedAtOnce else { continue }
                list.update(lines.rawBytes)
                lines.removeAll(keepingCapacity: true)
            }
            list.update(lines.rawBytes)
            digest = list.digest()
        }
    }

    package let sender: EndpointID
    package let receiver: EndpointID
    /// Seconds since 1970 by the receiver's clock.
    package let time: UInt64
    /// Whether the receiver had its system write the files to the disk before it verified them.
    package let isDurable: Bool
    package let files: Files
    package var senderSignature: [UInt8]?
    package var receiverSignature: [UInt8]?

    package init(sender: EndpointID, receiver: EndpointID, time: UInt64, isDurable: Bool, files: Files) {
        self.sender = sender
        self.receiver = receiver
        self.time = time
        self.isDurable = isDurable
        self.files = files
    }

    /// What both sign.
    private var statement: [UInt8] {
        var bytes = Array(Self.label.utf8) + sender.publicKey + receiver.publicKey
        bytes.append(bigEndian: time)
        bytes.append(isDurable ? 1 : 0)
        bytes.append(bigEndian: files.count)
        bytes.append(bigEndian: files.bytes)
        return bytes + files.digest
    }

    /// Signing with a key in memory does not fail.
    package func signature(of identity: IdentityKey) -> [UInt8] {
        do { return try identity.sign(statement) } catch { fatalError("an Ed25519 key no longer signs: \(error)") }
    }

    /// Whether a signature is that of one of the two ends over this receipt.
    package func isSigned(by end: EndpointID, _ signature: [UInt8]?) -> Bool {
        guard let signature, signature.count == Self.signatureLength else { return false }
        return end.verifies(signature, of: statement)
    }
}

/// A file that a receipt is about.
package struct ReceiptFile: Equatable, Sendable {
    /// As the sender offered it.
    package let path: [UInt8]
    package let size: UInt64
    package let digest: BLAKE3.Digest

    package init(path: [UInt8], size: UInt64, digest: BLAKE3.Digest) {
        self.path = path
        self.size = size
        self.digest = digest
    }
}
