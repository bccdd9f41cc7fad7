internal import Files
internal import Glibc
internal import SystemErrors

/// A log's file as it was opened: for appending, never through a symbolic link, and only if it is a regular file.
final class OpenLogFile: Sendable {
    private let descriptor: Descriptor
    /// As it was when it was opened.
    let status: FileStatus
    /// Whether the last line was not ended, as after a loss of power.
    private let isTorn: Bool

    /// Opens `path`, or makes it with mode 0600. The mode of a file that is there is its owner's affair.
    init(_ path: String) throws(SystemError) {
        // Not blocking, so that a FIFO of this name is an error and holds nobody up.
        let flags = O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK
        descriptor = try Descriptor.open(path, flags: flags, mode: 0o600)
        status = try descriptor.status()
        guard status.kind == .file else { throw SystemError(call: "open", path: path, code: EINVAL) }
        let last = status.size > 0 ? try descriptor.read(atMost: 1, at: status.size - 1) : []
        isTorn = !last.isEmpty && last != [UInt8(ascii: "\n")]
    }

    /// What must come before the next line when the file has this length: the end of a line that was not ended, or nothing.
    func separator(at length: Int64) -> [UInt8] { isTorn && length == status.size ? [UInt8(ascii: "\n")] : [] }

    /// Writes all of `bytes` at the end, or nothing: where only a part has room, it is taken back. `length` is the file's.
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
