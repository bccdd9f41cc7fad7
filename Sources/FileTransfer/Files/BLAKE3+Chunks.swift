internal import Cryptography

extension BLAKE3.Piece {
    /// How many chunks a file has. An empty one has one, which is empty.
    static func count(of size: UInt64) -> UInt64 { max(1, (size + UInt64(length) - 1) / UInt64(length)) }
}
