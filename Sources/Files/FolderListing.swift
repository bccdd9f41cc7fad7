internal import Glibc
package import SystemErrors

/// The names in a folder, without `.` and `..`, unordered.
package enum FolderListing {
    @inline(never)
    package static func names(in path: String) throws(SystemError) -> [String] {
        let folder = try Descriptor.open(path, flags: O_RDONLY | O_DIRECTORY)
        return try names(of: folder).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The same, in the file system's bytes.
    @inline(never)
    static func names(of folder: consuming Descriptor) throws(SystemError) -> [[UInt8]] {
        let path = folder.path
        // The stream closes the descriptor that it is made of.
        let raw = fcntl(folder.raw, F_DUPFD_CLOEXEC, 0)
        guard raw >= 0, let stream = unsafe fdopendir(raw) else {
            let code = errno
            if raw >= 0 { close(raw) }
            throw SystemError(call: "opendir", path: path, code: code)
        }
        defer { unsafe closedir(stream) }
        var names: [[UInt8]] = []
        while true {
            errno = 0
            guard let entry = unsafe readdir(stream) else {
                let code = errno
                if code != 0 { throw SystemError(call: "readdir", path: path, code: code) }
                return names
            }
            // The entry belongs to the stream until the next call. Its name ends with a zero and is copied at once.
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { name in
                unsafe [UInt8](name.prefix { $0 != 0 })
            }
            if OpenFolder.isName(name) { names.append(name) }
        }
    }
}
