// The C library declares its streams as variables; nothing here changes them.
@unsafe @preconcurrency internal import Glibc
internal import SystemErrors

/// Standard output. A write that fails is an error; a reader that has gone is not.
package enum StandardOutput {
    /// EX_IOERR of sysexits.h.
    package static let failure: Int32 = 74

    /// Checks at exit that everything printed was written: a full disk shows only then. If not, says so on standard
    /// error and exits with ``failure``. Call it once, before anything is printed.
    package static func checkAtExit() {
        // A reader that went away causes EPIPE, which is no error.
        signal(SIGPIPE, SIG_IGN)
        atexit { StandardOutput.check() }
    }

    private static func check() {
        let flushed = unsafe fflush(stdout)
        let code = errno
        // The stream may have failed earlier; the reason is lost by now.
        let hasFailed = unsafe ferror(stdout) != 0
        guard flushed != 0 || hasFailed, !isAbandoned else { return }
        complain(flushed != 0 ? code : nil)
        _exit(failure)
    }

    /// Writes all bytes; exits as a pipe's writer should if the reader has gone.
    package static func write(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            // The slice outlives the call.
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(1, $0.baseAddress, $0.count) }
            if count < 0 {
                let code = errno
                if code == EINTR { continue }
                if code == EAGAIN {
                    // A process that shares the pipe or the terminal has made it non-blocking.
                    wait()
                    continue
                }
                if code == EPIPE { exit(0) }
                complain(code)
                exit(failure)
            }
            rest = rest.dropFirst(count)
        }
    }

    private static func wait() {
        var state = pollfd(fd: 1, events: Int16(POLLOUT), revents: 0)
        _ = unsafe poll(&state, 1, -1)  // the structure outlives the call
    }

    /// Prints a text.
    package static func write(_ text: String) { write(Array(text.utf8)) }

    /// Whether it is a pipe without a reader.
    private static var isAbandoned: Bool {
        var state = pollfd(fd: 1, events: Int16(POLLOUT), revents: 0)
        // The structure outlives the call.
        return unsafe poll(&state, 1, 0) > 0 && state.revents & Int16(POLLERR) != 0
    }

    private static func complain(_ code: Int32?) {
        let program = ProcessArguments.program
        let reason = code.map { ": \(SystemError.reason(of: $0))" } ?? ""
        StandardErrorLog.write(Array("\(program): standard output could not be written\(reason)\n".utf8), to: 2)
    }
}
