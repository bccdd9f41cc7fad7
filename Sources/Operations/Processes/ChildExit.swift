internal import Glibc
internal import SystemErrors

/// How a child ended, and its output.
package struct ChildExit: Sendable {
    package enum Status: Sendable, Equatable {
        case exited(Int32)
        case signaled(Int32)
    }

    package let status: Status
    /// At most the limit given at the start; the rest was read and dropped.
    package let output: [UInt8]
    package let errorOutput: [UInt8]

    /// The exit code as shells report it: 128 + the signal for a killed process.
    package var code: Int32 {
        switch status {
        case .exited(let code): code
        case .signaled(let signal): 128 + signal
        }
    }
}

/// A child could not be started.
package struct ChildProcessError: Error, CustomStringConvertible {
    package let executable: String
    package let code: Int32

    package var isMissing: Bool { code == ENOENT }

    package var description: String {
        code == ENOENT
            ? "\(executable) was not found; install it or set its path"
            : "cannot start \(executable): \(SystemError.reason(of: code))"
    }
}
