internal import Glibc

/// A shell pattern of names that are left out: `*`, `?` and `[…]`, of any bytes.
package struct NamePattern: Sendable {
    /// With a zero byte at the end.
    private let pattern: [CChar]
    /// It is about the path inside of the folder, not about the name alone.
    private let isPath: Bool
    private let isForFolders: Bool

    /// Nil for an empty pattern, and for one with a zero byte.
    ///
    /// - Parameter text: with a slash in it, it is compared with the path inside of the folder that is sent, and `*`
    ///   does not match a slash; else with the last name. With a slash at its end it is for folders only.
    package init?(_ text: String) {
        var bytes = Array(text.utf8)
        isForFolders = bytes.last == UInt8(ascii: "/")
        if isForFolders { bytes.removeLast() }
        if bytes.first == UInt8(ascii: "/") {
            bytes.removeFirst()
            isPath = true
        } else {
            isPath = bytes.contains(UInt8(ascii: "/"))
        }
        guard !bytes.isEmpty, !bytes.contains(0) else { return nil }
        pattern = bytes.map(CChar.init(bitPattern:)) + [0]
    }

    func matches(_ path: [UInt8], isFolder: Bool) -> Bool {
        if isForFolders, !isFolder { return false }
        let name = isPath ? path[...] : path[(path.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0)...]
        let bytes = name.map(CChar.init(bitPattern:)) + [0]
        // Both end with a zero byte.
        return unsafe fnmatch(pattern, bytes, isPath ? FNM_PATHNAME : 0) == 0
    }
}
