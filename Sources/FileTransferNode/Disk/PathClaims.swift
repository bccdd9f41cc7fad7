internal import Synchronization

/// The large files that are being received into one folder. Two sessions would write into one part.
final class PathClaims: Sendable {
    private let paths = Mutex<Set<[UInt8]>>([])

    /// False: another session receives it.
    func take(_ path: [UInt8]) -> Bool { paths.withLock { $0.insert(path).inserted } }

    func contains(_ path: [UInt8]) -> Bool { paths.withLock { $0.contains(path) } }

    var isEmpty: Bool { paths.withLock { $0.isEmpty } }

    func release(_ path: [UInt8]) { paths.withLock { _ = $0.remove(path) } }
}
