internal import ArgumentParser
internal import FoundationEssentials
internal import NetworkProtocol
internal import Operations

/// Where this machine's identity key is.
enum KeyPath {
    /// For the help of `--key`.
    static let advice =
        "made there if there is none. Without it $XDG_STATE_HOME/packetbench/identity.ed25519, that is "
        + "~/.local/state/packetbench/identity.ed25519 where the variable is not set. [env: PACKETBENCH_KEY]"

    /// The option, the environment, or `identity.ed25519` in the user's state folder, which is made.
    static func resolve(_ option: String?) throws -> String {
        let environment = ProcessInfo.processInfo.environment
        let variable = "PACKETBENCH_KEY"
        if let path = option ?? environment[variable] {
            guard !path.isEmpty else {
                let remedy =
                    option == nil ? "\(variable): the path is empty; unset it, or" : "--key: the path is empty;"
                throw ValidationError("\(remedy) give the file's path")
            }
            return path
        }
        let base: String
        if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") {
            base = state
        } else {
            base = (environment["HOME"] ?? FileManager.default.homeDirectoryForCurrentUser.path) + "/.local/state"
        }
        let folder = base + "/packetbench"
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        return folder + "/identity.ed25519"
    }
}

/// A secret of 64 hexadecimal digits in a file that only its owner can use.
enum PreSharedKeyFile {
    static func read(_ path: String) throws -> PreSharedKey {
        let text = String(decoding: try InputFile.read(path, of: "--psk-file", isSecret: true), as: UTF8.self)
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count == 1, let key = PreSharedKey(hexadecimal: String(words[0])) else {
            throw ValidationError(
                "--psk-file \(path): there are not 64 hexadecimal digits in it; `openssl rand -hex 32` makes some"
            )
        }
        return key
    }
}
