internal import FileTransfer
internal import FileTransferNode
internal import Files
internal import Glibc
internal import Operations
internal import SystemErrors

/// Copies files that have arrived to standard output, one after the other.
enum FileOutput {
    private static let pieceLength = 1 << 20

    static func put(_ result: TransferOutcome) throws {
        for entry in result.entries where entry.kind == .file {
            // What failed is reported with the rest.
            guard case .verified = entry.outcome else { continue }
            do throws(SystemError) { try put(entry.path) } catch {
                throw TransferError(.local, "cannot read \(entry.path): \(error.reason)")
            }
        }
    }

    private static func put(_ path: String) throws(SystemError) {
        let file = try Descriptor.open(path, flags: O_RDONLY)
        var buffer = [UInt8](repeating: 0, count: pieceLength)
        var offset: Int64 = 0
        while true {
            var span = buffer.mutableSpan
            // Every bit pattern is a valid byte.
            var bytes = unsafe span.mutableBytes
            let count = try file.read(into: &bytes, at: offset)
            if count == 0 { return }
            CommandOutput.put(Array(buffer[..<count]))
            offset += Int64(count)
        }
    }
}
