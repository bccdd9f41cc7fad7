internal import Cryptography
internal import FileTransfer
internal import Files
internal import Glibc
internal import SystemErrors

extension ReceiptDocument {
    /// Checks that files are those of the receipt.
    ///
    /// - Parameter path: the file; of several files the folder where they stand.
    /// - Throws: ``TransferError`` for a file that cannot be read, and for the first one that differs.
    package func compare(with path: String) throws {
        guard let files else {
            throw TransferError(
                .local,
                "the receipt does not list its \(receipt.files.count) files, so none can be compared"
            )
        }
        if files.count == 1, (try? Descriptor.open(path, flags: O_RDONLY | O_DIRECTORY)) == nil {
            return try Self.compare(try FileDigest.of(path), files[0], path)
        }
        let tree: FolderTree
        do throws(SystemError) { tree = FolderTree(try OpenFolder.open(path)) } catch {
            throw TransferError(.local, "cannot open \(path): \(error.reason)")
        }
        for file in files {
            // It comes from others, and must not lead out of the folder.
            guard TransferEntry.isSafe(file.path) else {
                throw TransferError(.integrity, "the receipt has a name that leads out of its folder")
            }
            try Self.compare(try FileDigest.of(file.path, in: tree), file, tree.text(file.path))
        }
    }

    private static func compare(_ digest: BLAKE3.Digest, _ file: ReceiptFile, _ place: String) throws {
        if digest == file.digest { return }
        throw TransferError(
            .integrity,
            "\(place) is not what was received: its BLAKE3 is \(digest), not \(file.digest)"
        )
    }
}
