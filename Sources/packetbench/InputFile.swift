internal import ArgumentParser
internal import Glibc

/// A file named by an option.
enum InputFile {
    /// Longest file in bytes: certificates with their chains, and secrets, are far shorter.
    private static let limit = 1 << 20

    /// The file's bytes. Throws a `ValidationError` that names the option, the file and the system's reason.
    ///
    /// - Parameter isSecret: only its owner may have access to it, as with an identity key.
    static func read(_ path: String, of option: String, isSecret: Bool = false) throws -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)  // the path is copied for the call
        guard descriptor >= 0 else { throw failure(path, option, errno) }
        defer { close(descriptor) }
        if isSecret { try checkOwner(descriptor, path, option) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 14)
        while true {
            // The buffer lives for the call only.
            let count = unsafe piece.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure(path, option, errno) }
            if count == 0 { return bytes }
            bytes += piece[..<count]
            guard bytes.count <= limit else {
                throw ValidationError("\(option) \(path): the file is longer than \(limit) bytes; is it the right one?")
            }
        }
    }

    private static func checkOwner(_ descriptor: Int32, _ path: String, _ option: String) throws {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw failure(path, option, errno) }
        guard status.st_mode & 0o077 == 0 else {
            let mode = "0" + String(status.st_mode & 0o7777, radix: 8)
            throw ValidationError(
                "\(option) \(path): it has mode \(mode), group or others can use it; run: chmod 600 \(path)"
            )
        }
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            throw ValidationError(
                "\(option) \(path): it belongs to user ID \(status.st_uid); it must belong to the user who runs this or to root"
            )
        }
    }

    private static func failure(_ path: String, _ option: String, _ code: Int32) -> ValidationError {
        let reason = unsafe String(cString: strerror(code))  // copied at once
        let what = code == ENOENT ? "the file is missing" : "the file cannot be read"
        return ValidationError("\(option) \(path): \(what): \(reason)")
    }
}
