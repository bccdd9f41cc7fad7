internal import Glibc
package import SystemErrors

/// The names in a folder, without `.` and `..`, unordered.
package enum FolderListing {
    @inline(never)
    package static func names(in path: String) throws(SystemError) -> [String] {
        try Descriptor.refuseZero(in: path, call: "opendir")
        // The bridged string lives for the call.
        guard let folder = unsafe opendir(path) else { throw SystemError(call: "opendir", path: path, code: errno) }
        defer { unsafe closedir(folder) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = unsafe readdir(folder) else {
                let code = errno
                if code != 0 { throw SystemError(call: "readdir", path: path, code: code) }
                return names
            }
            // The entry belongs to the stream until the next call. Its name ends with a zero and is copied at once.
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
                unsafe field.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
    }
}
