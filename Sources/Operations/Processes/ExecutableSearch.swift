internal import Glibc

/// Finds programs as a shell would.
package enum ExecutableSearch {
    /// The path of `name`, looked up in PATH if it has no slash; nil if there is no executable.
    package static func find(_ name: String) -> String? {
        if name.contains("/") { return isExecutable(name) ? name : nil }
        // The value is copied at once.
        guard let path = unsafe getenv("PATH").map({ unsafe String(cString: $0) }) else { return nil }
        return path.split(separator: ":").lazy.map { "\($0)/\(name)" }.first(where: isExecutable)
    }

    private static func isExecutable(_ path: String) -> Bool {
        var status = stat()
        // Fills memory of ours.
        guard unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return false }
        return unsafe access(path, X_OK) == 0
    }
}
