internal import Cryptography
internal import FileTransfer
public import Identity

/// What became of a transfer.
public struct TransferResult: Sendable {
    /// A file, folder or symbolic link of it.
    public struct File: Sendable {
        public enum Outcome: Sendable, Hashable {
            /// All of it is there. The BLAKE3 digest of a file, 32 bytes, as `b3sum` prints it; nil for folders and
            /// symbolic links.
            case verified(blake3: [UInt8]?)
            /// It was there already, or the receiver does not want it.
            case skipped
            /// With the reason and the remedy.
            case failed(String)
        }

        /// At this machine: where it was sent from, or where it is now.
        public let path: String
        public let bytes: UInt64
        public let outcome: Outcome
    }

    public let peer: EndpointID
    public let files: [File]
    /// Files and folders that could not even be offered, with reasons.
    public let omitted: [String]
    /// What else a person should know, such as damage that was mended.
    public let notices: [String]
    /// Bytes of all files.
    public let bytes: UInt64
    /// Bytes that moved now, and those that were there from an earlier transfer.
    public let movedBytes: UInt64
    public let keptBytes: UInt64
    /// From the first bytes to the last.
    public let duration: Duration

    /// Whether every file is there.
    public var isComplete: Bool {
        omitted.isEmpty && files.allSatisfy { if case .failed = $0.outcome { false } else { true } }
    }

    /// Bytes a second that moved.
    public var averageRate: Double {
        let seconds = duration / .seconds(1)
        return seconds > 0 ? Double(movedBytes) / seconds : 0
    }

    init(_ outcome: TransferOutcome, duration: Duration) {
        peer = outcome.peer
        files = outcome.entries.map { entry in
            let result: File.Outcome =
                switch entry.outcome {
                case .verified(let digest): .verified(blake3: digest.map { [UInt8]($0) })
                case .skipped: .skipped
                case .failed(let reason): .failed(reason)
                }
            return File(path: entry.path, bytes: entry.bytes, outcome: result)
        }
        omitted = outcome.omitted
        notices = outcome.notices
        bytes = outcome.entries.reduce(0) { $0 + $1.bytes }
        movedBytes = outcome.movedBytes
        keptBytes = outcome.keptBytes
        self.duration = duration
    }
}
