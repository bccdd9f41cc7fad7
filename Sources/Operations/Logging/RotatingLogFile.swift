package import Files
internal import Glibc
internal import Logging
internal import Synchronization
internal import SystemErrors

/// An append-only log file that rotates itself: before a line would exceed the maximum length, `NAME` becomes `NAME.1`,
/// `NAME.1` becomes `NAME.2`, and so on up to the number of kept files. Each step is a rename(2), so an interruption
/// loses no file; the next rotation closes a gap that it leaves.
///
/// One process writes a file; its threads may all write at once. A line is written whole or not at all. If another
/// program renames, removes or shortens the file, as logrotate does, the next line goes into the file that then has the
/// name.
///
/// If a line cannot be written, because the disk is full or a file cannot be renamed, it is dropped and counted. The
/// next line that can be written follows a line that says how many are missing and why. Nothing is thrown and no caller
/// waits for room. (A process with a limit on file sizes must ignore SIGXFSZ, which would end it.)
package final class RotatingLogFile: Sendable {
    private struct State {
        var file: OpenLogFile?
        /// Since the last line that reported them.
        var missing: UInt64 = 0
        var reason = ""
        var dropped: UInt64 = 0
    }

    package let path: String
    /// The format of its lines.
    package let format: LogLineFormatter.Format
    let now: @Sendable () -> Timestamp

    private let maximumLength: Int64
    private let keptFiles: Int
    private let state = Mutex(State())

    /// Opens the file, or creates it with mode 0600. Its folder must exist.
    /// - Parameters:
    ///   - maximumLength: bytes, at least 1. Only a single longer line makes a longer file.
    ///   - keptFiles: how many old files to keep beside the current one, 0 or more.
    ///   - format: of ``FileLog``'s lines, and of those that report dropped lines.
    package init(
        path: String,
        maximumLength: Int64,
        keptFiles: Int,
        format: LogLineFormatter.Format = .text,
        now: @escaping @Sendable () -> Timestamp = { .now }
    ) throws(FileError) {
        if maximumLength < 1 {
            throw FileError(
                path: path,
                problem: "invalid maximum length \(maximumLength)",
                remedy: "must be at least 1 byte"
            )
        }
        if keptFiles < 0 {
            throw FileError(
                path: path,
                problem: "invalid number of kept files \(keptFiles)",
                remedy: "must be at least 0"
            )
        }
        self.path = path
        self.maximumLength = maximumLength
        self.keptFiles = keptFiles
        self.format = format
        self.now = now
        do throws(SystemError) {
            let file = try OpenLogFile(path)
            state.withLock { $0.file = file }
        } catch { throw FileError(error, path: path) }
    }

    /// Lines that could not be written since the start.
    package var droppedLines: UInt64 { state.withLock { $0.dropped } }

    /// Appends one line, which ends with a newline and has no other.
    package func write(_ line: [UInt8]) {
        state.withLock { state in
            do throws(SystemError) {
                try append(notice(state) + line, &state)
                state.missing = 0
            } catch {
                // Reopened for the next line, whatever has happened to it.
                state.file = nil
                state.missing += 1
                state.dropped += 1
                state.reason = error.reason
            }
        }
    }

    /// The line that reports dropped ones, or nothing.
    private func notice(_ state: borrowing State) -> [UInt8] {
        if state.missing == 0 { return [] }
        return LogLineFormatter(label: "log", format: format, now: now).line(
            .warning,
            "log lines were dropped",
            ["log.dropped": "\(state.missing)", "log.reason": .string(state.reason)]
        )
    }

    private func append(_ text: [UInt8], _ state: inout State) throws(SystemError) {
        var (file, length) = try present(&state)
        if length > 0, length + Int64(file.separator(at: length).count + text.count) > maximumLength {
            try rotate()
            (file, length) = try present(&state)
        }
        try file.append(file.separator(at: length) + text, at: length)
    }

    /// The file that has the name now, and its length.
    private func present(_ state: inout State) throws(SystemError) -> (OpenLogFile, length: Int64) {
        if let file = state.file {
            do throws(SystemError) {
                let status = try FileStatus.ofLink(at: path)
                if status.isSameFile(as: file.status) { return (file, status.size) }
            } catch  where error.code == ENOENT {}
        }
        let file = try OpenLogFile(path)
        state.file = file
        return (file, file.status.size)
    }

    private func rotate() throws(SystemError) {
        if keptFiles == 0 { return try StateFiles.remove(path) }
        // The first free number, else the last.
        var free = 1
        while free < keptFiles, (try? FileStatus.ofLink(at: old(free))) != nil { free += 1 }
        for number in stride(from: free, to: 1, by: -1) { try StateFiles.rename(old(number - 1), to: old(number)) }
        try StateFiles.rename(path, to: old(1))
        // Fewer files may be kept than before.
        var beyond = keptFiles + 1
        while (try? StateFiles.remove(old(beyond))) != nil { beyond += 1 }
    }

    private func old(_ number: Int) -> String { "\(path).\(number)" }
}
