internal import CLinux
internal import Glibc

/// A system call that failed: which, on what, why, and what a person can do about it.
package struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The call, as its manual page names it: `open`, `bind`, `fdatasync`, …
    package let call: String
    /// What it failed with, such as a path or an address; empty when there is none.
    package let subject: String
    /// `errno` as the call left it.
    package let code: Int32

    package init(call: String, subject: String = "", code: Int32) {
        self.call = call
        self.subject = subject
        self.code = code
    }

    /// The kernel's sentence for `code`.
    package var reason: String { Self.reason(of: code) }

    /// The kernel's sentence for an errno.
    package static func reason(of code: Int32) -> String {
        unsafe String(cString: outpost_errno_text(code))  // a static string of libc
    }

    /// What failed, with which value, why, and for calls about the network what to do next.
    package var description: String {
        let place = subject.isEmpty ? call : "\(call) \(subject)"
        return remedy.map { "\(place): \(reason); \($0)" } ?? "\(place): \(reason)"
    }

    /// Calls about files: the same errno asks for another remedy there, and whoever knows the file gives it.
    private static let fileCalls: Set<String> = [
        "fchmod", "fdatasync", "flock", "fstat", "fsync", "ftruncate", "lstat", "mkdir", "open", "opendir", "pwrite",
        "read", "readdir", "rename", "unlink", "write",
    ]

    private var remedy: String? {
        if Self.fileCalls.contains(call) { return nil }
        return switch code {
        case EADDRINUSE: "another program has this port: stop it or choose another port or range"
        case EADDRNOTAVAIL: "this machine has no such address: check the listen address"
        case EACCES, EPERM: "not permitted: ports below 1024 need a capability, and a firewall can refuse sending"
        case ECONNREFUSED: "nothing listens there: check the port and that the other side has started"
        case ENETUNREACH, EHOSTUNREACH: "no route: check the address and this machine's network"
        case ETIMEDOUT: "no answer in time: a firewall may drop the packets; check that the port is open"
        case EMFILE, ENFILE: "too many open files: raise LimitNOFILE"
        case EMSGSIZE: "the datagram is larger than the path carries: use a smaller payload"
        case ENOMEM, ENOBUFS: "the kernel has no memory for it: try again later"
        case EAFNOSUPPORT: "this address family is switched off here: use the other one"
        default: nil
        }
    }
}
