internal import CLinux

/// The version of this build.
package enum BuildVersion {
    package static let version = "0.1.0"

    /// The commit, with `+changes` if the tree had uncommitted changes.
    package static var commit: String {
        // A string that lives as long as the program.
        unsafe String(cString: outpost_build_commit())
    }

    /// What `--version` prints after the tool's name.
    package static var line: String { "\(version) (\(commit))" }
}
