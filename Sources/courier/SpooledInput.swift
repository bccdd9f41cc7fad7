internal import FileTransferNode
internal import Files
internal import Glibc
internal import SystemErrors

/// Text, or what comes on standard input, as a file that is removed afterward: a sender says the size first.
struct SpooledInput: ~Copyable {
    private static let pieceLength = 1 << 20

    let path: String
    private let folder: TemporaryFolder

    /// - Parameters:
    ///   - name: the file's name at the receiver.
    ///   - text: nil reads standard input to its end.
    static func make(name: String, text: String?) throws -> SpooledInput {
        let folder = try TemporaryFolder()
        let path = folder.path + "/" + name
        try fill(path, text)
        return SpooledInput(path: path, folder: folder)
    }

    private static func fill(_ path: String, _ text: String?) throws {
        do throws(SystemError) {
            let file = try Descriptor.open(path, flags: O_WRONLY | O_CREAT | O_EXCL)
            if let text {
                try write(Array(text.utf8), to: file, at: 0)
            } else {
                try copyInput(to: file)
            }
        } catch { throw TransferError(.local, "cannot keep what is to be sent: \(error)") }
    }

    private static func copyInput(to file: borrowing Descriptor) throws(SystemError) {
        var buffer = [UInt8](repeating: 0, count: pieceLength)
        var offset: Int64 = 0
        while true {
            // The kernel writes at most so many bytes.
            let count = unsafe read(0, &buffer, pieceLength)
            let code = errno
            if count == 0 { return }
            if count < 0, code == EINTR { continue }
            guard count > 0 else { throw SystemError(call: "read", subject: "standard input", code: code) }
            try write(Array(buffer[..<count]), to: file, at: offset)
            offset += Int64(count)
        }
    }

    private static func write(_ bytes: [UInt8], to file: borrowing Descriptor, at offset: Int64) throws(SystemError) {
        // An array of bytes, read as bytes.
        try unsafe file.write(bytes.span.bytes, at: offset)
    }
}
