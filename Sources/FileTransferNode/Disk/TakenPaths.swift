/// The paths of a transfer's entries, each of which may come once.
///
/// Entries usually come folder by folder, in the order of their names. Then a comparison with the entry before shows
/// that a path is new, which takes a fraction of the time of a search in a set. Once entries come in another order, all
/// paths are in a set.
struct TakenPaths {
    private var paths: [[UInt8]] = []
    /// The folders whose entries came, by their paths.
    private var folders: Set<PathKey> = []
    private var set: Set<PathKey>?

    /// False if it is there already.
    mutating func insert(_ path: [UInt8]) -> Bool {
        if set == nil {
            if isInOrder(path) {
                paths.append(path)
                return true
            }
            collect()
        }
        return set?.insert(PathKey(path)).inserted ?? false
    }

    mutating func contains(_ path: [UInt8]) -> Bool {
        if set == nil { collect() }
        return set?.contains(PathKey(path)) ?? false
    }

    /// Whether it is the first one of its folder, or comes after the one before, in the same folder.
    private mutating func isInOrder(_ path: [UInt8]) -> Bool {
        let start = (path.lastIndex(of: UInt8(ascii: "/")) ?? -1) + 1
        if let last = paths.last, last.count > start, last.prefix(start) == path.prefix(start),
            !last[start...].contains(UInt8(ascii: "/"))
        {
            return last[start...].lexicographicallyPrecedes(path[start...])
        }
        return folders.insert(PathKey(Array(path.prefix(start)))).inserted
    }

    private mutating func collect() {
        set = Set(paths.map { PathKey($0) })
        paths = []
        folders = []
    }
}
