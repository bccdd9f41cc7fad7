internal import Files
internal import Glibc
internal import SystemErrors

/// Finds a tool's configuration file, the first of `--config`, `NAME_CONFIG`, `/etc/NAME/NAME.toml`,
/// `$XDG_CONFIG_HOME/NAME/NAME.toml` or `~/.config/NAME/NAME.toml`.
package struct ConfigurationLookup: Sendable {
    package struct Found: Equatable, Sendable {
        package var path: String
        /// A flag, a variable, or the file itself if it was found at one of the usual paths.
        package var source: ConfigurationSource

        package init(path: String, source: ConfigurationSource) {
            self.path = path
            self.source = source
        }
    }

    /// The tool's name, used for the folder, the file and (in upper case) the variable.
    package let name: String
    /// For example `REFLECTOR_CONFIG`.
    package var variable: String { name.uppercased().replacing("-", with: "_") + "_CONFIG" }

    package init(name: String) { self.name = name }

    /// The usual paths, in order. `XDG_CONFIG_HOME` counts if it is an absolute path, as its specification says.
    package func usualPaths(environment: [String: String]) -> [String] {
        var paths = ["/etc/\(name)/\(name).toml"]
        if let folder = environment["XDG_CONFIG_HOME"], folder.hasPrefix("/") {
            paths.append("\(folder)/\(name)/\(name).toml")
        } else if let home = environment["HOME"], home.hasPrefix("/") {
            paths.append("\(home)/.config/\(name)/\(name).toml")
        }
        return paths
    }

    /// The file to read; nil if there is none and the defaults apply. An explicit path is not searched for: reading it
    /// reports what is wrong with it.
    package func find(
        flag: String?,
        environment: [String: String],
        exists: (String) -> Bool = ConfigurationLookup.exists
    ) -> Found? {
        if let flag { return Found(path: flag, source: .flag("--config")) }
        if let path = environment[variable], !path.isEmpty { return Found(path: path, source: .environment(variable)) }
        return usualPaths(environment: environment).first(where: exists).map { Found(path: $0, source: .file($0)) }
    }

    /// Whether the file exists. A file that cannot be examined counts as existing: skipping it silently would be a
    /// surprise.
    package static func exists(_ path: String) -> Bool {
        do throws(SystemError) {
            _ = try FileStatus.ofLink(at: path)
            return true
        } catch { return error.code != ENOENT && error.code != ENOTDIR }
    }
}
