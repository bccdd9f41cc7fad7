internal import FoundationEssentials

/// The folders of the user who runs a tool (XDG Base Directory Specification).
package enum UserFolders {
    /// Where programs keep state: `XDG_STATE_HOME` if it is an absolute path, else `~/.local/state`.
    package static func state(environment: [String: String]) -> String {
        if let folder = environment["XDG_STATE_HOME"], folder.hasPrefix("/") { return folder }
        return home(environment: environment) + "/.local/state"
    }

    /// `HOME`, or the user's entry in the password database: services and cron jobs may have no `HOME`.
    private static func home(environment: [String: String]) -> String {
        if let home = environment["HOME"], home.hasPrefix("/") { return home }
        return FileManager.default.homeDirectoryForCurrentUser.path
    }
}
