internal import ArgumentParser
internal import Foundation
internal import NetworkProtocol
internal import Operations

/// Where this machine's identity key is.
enum KeyPath {
    /// The option, the environment, or `identity.ed25519` in the user's state folder, which is made.
    static func resolve(_ option: String?) throws -> String {
        let environment = ProcessInfo.processInfo.environment
        if let path = option ?? environment["PACKETBENCH_KEY"] {
            guard !path.isEmpty else { throw ValidationError("--key: the path is empty; give the file's path") }
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

/// A secret of 64 hexadecimal digits in a file.
enum PreSharedKeyFile {
    static func read(_ path: String) throws -> PreSharedKey {
        let text: String
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw ValidationError("--psk-file \(path): the file cannot be read; give one with 64 hexadecimal digits")
        }
        guard let key = PreSharedKey(hexadecimal: text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw ValidationError(
                "--psk-file \(path): there are not 64 hexadecimal digits in it; `openssl rand -hex 32` makes some"
            )
        }
        return key
    }
}
