internal import Glibc

/// Finds programs as a shell would.
package enum ExecutableSearch {
    /// The path of `name`, looked up in PATH when it has no slash; nil when nothing executable is there.
    package static func find(_ name: String) -> String? {
        if name.contains("/") { return unsafe access(name, X_OK) == 0 ? name : nil }
        // The value is copied at once.
        guard let path = unsafe getenv("PATH").map({ unsafe String(cString: $0) }) else { return nil }
        return path.split(separator: ":").lazy.map { "\($0)/\(name)" }.first { unsafe access($0, X_OK) == 0 }
    }
}
