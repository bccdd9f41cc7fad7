import Crypto
import Glibc

/// The file that holds a machine's key: the raw 32-byte Ed25519 seed, mode 0600 from its first byte.
package enum KeyFile {
    /// Length of the file in bytes.
    package static let length = 32

    /// Reads the key at `path`; nil when there is no file.
    package static func load(at path: String) throws(KeyFileError) -> IdentityKey? {
        let descriptor = unsafe open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            let code = errno
            if code == ENOENT { return nil }
            if code == ELOOP { throw .isSymbolicLink(path: path) }
            throw .cannotOpen(path: path, reason: reason(code))
        }
        defer { close(descriptor) }
        try check(descriptor, path: path)

        // One byte more than a key, so that a longer file is seen as such.
        var bytes = [UInt8](repeating: 0, count: length + 1)
        defer { erase(&bytes) }
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
        guard count >= 0 else { throw .cannotOpen(path: path, reason: reason(errno)) }
        guard count == length, let key = IdentityKey(seed: bytes[..<length]) else {
            throw .wrongLength(path: path, found: size(of: descriptor) ?? count)
        }
        return key
    }

    /// Reads the key at `path`, or makes one there when there is none.
    package static func loadOrCreate(at path: String) throws(KeyFileError) -> (key: IdentityKey, created: Bool) {
        if let key = try load(at: path) { return (key, false) }
        let key = IdentityKey()
        if try write(key, to: path, replacing: false) { return (key, true) }
        // Another process made one between the two calls: theirs is the machine's key.
        guard let theirs = try load(at: path) else {
            throw .cannotCreate(path: path, reason: "the file appeared and vanished")
        }
        return (theirs, false)
    }

    /// Puts `key` at `path` and keeps the old file beside it; returns where the old one is.
    package static func rotate(
        at path: String,
        to key: IdentityKey,
        asideSuffix: String
    ) throws(KeyFileError) -> String {
        guard try load(at: path) != nil else { throw .cannotOpen(path: path, reason: reason(ENOENT)) }
        let kept = path + "." + asideSuffix
        // The old key gets its second name first: at no moment is there no file at `path`.
        guard unsafe link(path, kept) == 0 else { throw .cannotCreate(path: kept, reason: reason(errno)) }
        do throws(KeyFileError) {
            _ = try write(key, to: path, replacing: true)
        } catch {
            unsafe unlink(kept)
            throw error
        }
        return kept
    }

    /// Writes beside `path`, then moves into place. Returns false when `path` exists and must not be replaced.
    private static func write(_ key: IdentityKey, to path: String, replacing: Bool) throws(KeyFileError) -> Bool {
        let temporary = "\(path).new-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .cannotCreate(path: path, reason: reason(errno)) }
        defer {
            close(descriptor)
            unsafe unlink(temporary)
        }
        var seed = [UInt8](key.signingKey.rawRepresentation)
        defer { erase(&seed) }
        let written = unsafe seed.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
        guard written == length, fsync(descriptor) == 0 else {
            throw .cannotCreate(path: path, reason: reason(errno))
        }
        if replacing {
            guard unsafe rename(temporary, path) == 0 else { throw .cannotCreate(path: path, reason: reason(errno)) }
        } else if unsafe link(temporary, path) != 0 {
            let code = errno
            if code == EEXIST { return false }
            throw .cannotCreate(path: path, reason: reason(code))
        }
        syncFolder(of: path)
        return true
    }

    private static func check(_ descriptor: Int32, path: String) throws(KeyFileError) {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw .cannotOpen(path: path, reason: reason(errno)) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notARegularFile(path: path) }
        guard status.st_mode & 0o077 == 0 else {
            throw .readableByOthers(path: path, mode: status.st_mode & 0o7777)
        }
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            throw .foreignOwner(path: path, owner: status.st_uid)
        }
    }

    private static func size(of descriptor: Int32) -> Int? {
        var status = stat()
        return unsafe fstat(descriptor, &status) == 0 ? Int(status.st_size) : nil
    }

    private static func syncFolder(of path: String) {
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    /// Overwrites key material in a way that the optimiser must keep.
    static func erase(_ bytes: inout [UInt8]) {
        // The pointer lives for the call only.
        unsafe bytes.withUnsafeMutableBytes { buffer in
            if let base = buffer.baseAddress { unsafe explicit_bzero(base, buffer.count) }
        }
    }

    private static func reason(_ code: Int32) -> String {
        // strerror's result is copied at once.
        unsafe String(cString: strerror(code))
    }
}
