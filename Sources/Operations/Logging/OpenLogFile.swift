internal import Files
internal import Glibc
internal import SystemErrors

/// An open log file: opened for appending, never through a symbolic link, and only if it is a regular file.
final class OpenLogFile: Sendable {
    private let descriptor: Descriptor
    /// Its status when it was opened.
    let status: FileStatus
    /// Whether the last line has no newline, as after a power loss.
    private let isTorn: Bool

    /// Opens `path`, or creates it with mode 0600. The mode of an existing file is its owner's choice.
    init(_ path: String) throws(SystemError) {
        // Non-blocking, so that a FIFO with this name is an error and blocks nothing.
        let flags = O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK
        descriptor = try Descriptor.open(path, flags: flags, mode: 0o600)
        status = try descriptor.status()
        guard status.kind == .file else { throw SystemError(call: "open", path: path, code: EINVAL) }
        let last = status.size > 0 ? try descriptor.read(atMost: 1, at: status.size - 1) : []
        isTorn = !last.isEmpty && last != [UInt8(ascii: "\n")]
    }

    /// What must precede the next line if the file has this length: the end of a torn line, or nothing.
    func separator(at length: Int64) -> [UInt8] { isTorn && length == status.size ? [UInt8(ascii: "\n")] : [] }

    /// Writes all of `bytes` at the end, or nothing: a partial write is taken back. `length` is the file's.
    func append(_ bytes: [UInt8], at length: Int64) throws(SystemError) {
        var rest = bytes[...]
        do throws(SystemError) {
            while !rest.isEmpty {
                let taken = try descriptor.writeSome(rest)
                if taken == 0 { throw SystemError(call: "write", path: descriptor.path, code: EIO) }
                rest = rest.dropFirst(taken)
            }
        } catch {
            if rest.count < bytes.count { try? descriptor.truncate(to: length) }
            throw error
        }
    }
}
