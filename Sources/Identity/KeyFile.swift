internal import Crypto
internal import Files
internal import Glibc
internal import SystemErrors

/// The file that holds a machine's key: the raw 32-byte Ed25519 seed, mode 0600 from its first byte.
package enum KeyFile {
    /// Length of the file in bytes.
    package static let length = 32

    /// Reads the key at `path`; nil if there is no file.
    package static func load(at path: String) throws(KeyFileError) -> IdentityKey? {
        let content: Result<IdentityKey, KeyFileError>
        do throws(SystemError) {
            content = try read(Descriptor.open(path, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK))
        } catch {
            switch error.code {
            case ENOENT: return nil
            case ELOOP: throw .isSymbolicLink(path: path)
            default: throw .cannotOpen(path: path, reason: error.reason)
            }
        }
        return try content.get()
    }

    /// Reads the key at `path`, or creates one there.
    package static func loadOrCreate(at path: String) throws(KeyFileError) -> (key: IdentityKey, created: Bool) {
        if let key = try load(at: path) { return (key, false) }
        let key = IdentityKey()
        if try write(key, to: path, replacing: false) { return (key, true) }
        // Another process created one between the two calls: that is the machine's key.
        guard let theirs = try load(at: path) else {
            throw .cannotCreate(path: path, reason: "the file appeared and vanished")
        }
        return (theirs, false)
    }

    /// Creates the file at `path` with `key`, atomically. Returns false, and changes nothing, if the path exists.
    package static func create(_ key: IdentityKey, at path: String) throws(KeyFileError) -> Bool {
        try write(key, to: path, replacing: false)
    }

    /// Puts `key` at `path` and keeps the old file beside it; returns where the old one is.
    package static func rotate(
        at path: String,
        to key: IdentityKey,
        asideSuffix: String
    ) throws(KeyFileError) -> String {
        guard try load(at: path) != nil else {
            throw .cannotOpen(path: path, reason: SystemError.reason(of: ENOENT))
        }
        let kept = path + "." + asideSuffix
        // The old key gets its second name first, so that `path` always has a file.
        do throws(SystemError) {
            try StateFiles.link(path, as: kept)
        } catch { throw .cannotCreate(path: kept, reason: error.reason) }
        do throws(KeyFileError) {
            _ = try write(key, to: path, replacing: true)
        } catch {
            try? StateFiles.remove(kept)
            throw error
        }
        return kept
    }

    private static func read(
        _ file: borrowing Descriptor
    ) throws(SystemError) -> Result<IdentityKey, KeyFileError> {
        let status = try file.status()
        if let flaw = flaw(of: status, file.path) { return .failure(flaw) }
        // One byte more than a key, to detect a longer file.
        var bytes = try file.read(atMost: length + 1)
        defer { erase(&bytes) }
        guard bytes.count == length, let key = IdentityKey(seed: bytes[...]) else {
            return .failure(.wrongLength(path: file.path, found: Int(status.size)))
        }
        return .success(key)
    }

    private static func flaw(of status: FileStatus, _ path: String) -> KeyFileError? {
        if status.kind != .file { return .notARegularFile(path: path) }
        if status.mode & 0o077 != 0 { return .readableByOthers(path: path, mode: status.mode) }
        if status.owner != geteuid(), status.owner != 0 { return .foreignOwner(path: path, owner: status.owner) }
        return nil
    }

    /// Writes beside `path`, then moves into place. Returns false if `path` exists and must not be replaced.
    private static func write(_ key: IdentityKey, to path: String, replacing: Bool) throws(KeyFileError) -> Bool {
        let temporary = "\(path).new-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        var seed = [UInt8](key.signingKey.rawRepresentation)
        defer { erase(&seed) }
        do throws(SystemError) {
            let file = try Descriptor.open(temporary, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW)
            // Already gone if it was moved.
            defer { try? StateFiles.remove(temporary) }
            try file.write(seed)
            try file.synchronize()
            if replacing {
                try StateFiles.rename(temporary, to: path)
            } else {
                do throws(SystemError) {
                    try StateFiles.link(temporary, as: path)
                } catch  where error.code == EEXIST { return false }
            }
            // The key is in place; a folder that cannot be synced is no reason to refuse it.
            try? StateFiles.synchronizeFolder(of: path)
            return true
        } catch { throw .cannotCreate(path: path, reason: error.reason) }
    }

    /// Overwrites key material in a way that the optimizer must keep.
    package static func erase(_ bytes: inout [UInt8]) {
        // The pointer lives for the call only.
        unsafe bytes.withUnsafeMutableBytes { buffer in
            if let base = buffer.baseAddress { unsafe explicit_bzero(base, buffer.count) }
        }
    }
}
