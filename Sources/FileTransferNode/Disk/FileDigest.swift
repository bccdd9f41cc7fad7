package import Cryptography
internal import FileTransfer
internal import Files
internal import Glibc
internal import SystemErrors

/// The BLAKE3 digest of a file.
package enum FileDigest {
    package static func of(_ path: String) throws -> BLAKE3.Digest {
        do throws(SystemError) {
            return try of(try Descriptor.open(path, flags: O_RDONLY))
        } catch { throw TransferError(.local, "cannot read \(path): \(error.reason)") }
    }

    /// That of a file below a folder. No symbolic link is followed.
    static func of(_ path: [UInt8], in tree: FolderTree) throws -> BLAKE3.Digest {
        do throws(SystemError) {
            return try tree.inParent(of: path) { (folder, name) throws(SystemError) in
                try of(try folder.open(name, flags: O_RDONLY | O_NONBLOCK))
            }
        } catch { throw TransferError(.local, "cannot read \(tree.text(path)): \(error.reason)") }
    }

    private static func of(_ file: borrowing Descriptor) throws(SystemError) -> BLAKE3.Digest {
        var fold = BLAKE3.Fold()
        var buffer = [UInt8](repeating: 0, count: BLAKE3.Piece.length)
        var offset: Int64 = 0
        while true {
            var span = buffer.mutableSpan
            // Every bit pattern is a valid byte.
            var bytes = unsafe span.mutableBytes
            let count = try file.read(into: &bytes, at: offset)
            if count > 0 || fold.count == 0 {
                let piece = unsafe buffer.span.bytes.extracting(first: count)
                fold.append(BLAKE3.Piece(piece, number: fold.count))
            }
            offset += Int64(count)
            if count < BLAKE3.Piece.length { break }
        }
        guard let digest = fold.digest else { fatalError("a fold of at least one piece has a digest") }
        return digest
    }
}
