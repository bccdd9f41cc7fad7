internal import ArgumentParser
internal import CommandLineTool
internal import FoundationEssentials
internal import NetworkProtocol
internal import Operations
internal import UserState

/// The path of this machine's identity key.
enum KeyPath {
    /// For the help of `--key`.
    static let advice =
        "created there if there is none. Default: the one that this user's tools share, "
        + "$XDG_STATE_HOME/outpost/identity.ed25519, which is ~/.local/state/outpost/identity.ed25519 if the variable is not "
        + "set. [env: PACKETBENCH_KEY]"

    /// The option, the environment, or the identity that this user's tools share, whose folder is created.
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
        let user = UserFolder(environment: environment)
        if let taken = try user.open(for: "packetbench") { PacketBenchCommand.say("\(taken)") }
        return user.keyPath
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
