internal import CLinux
internal import Glibc

/// A failed system call: which call, on what, why, and the remedy.
package struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The call, as its manual page names it: `open`, `bind`, `fdatasync`, …
    package let call: String
    /// What it failed on, such as a path or an address; empty if there is nothing to name.
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

    /// What failed, on what, why, and for network calls the remedy.
    package var description: String {
        let place = subject.isEmpty ? call : "\(call) \(subject)"
        return remedy.map { "\(place): \(reason); \($0)" } ?? "\(place): \(reason)"
    }

    /// Calls on files: the same errno needs another remedy there, and the code that knows the file adds it.
    private static let fileCalls: Set<String> = [
        "fchmod", "fdatasync", "flock", "fstat", "fsync", "ftruncate", "futimens", "link", "lstat", "mkdir", "open",
        "opendir", "pwrite", "read", "readdir", "readlink", "rename", "symlink", "unlink", "utimensat", "write",
    ]

    private var remedy: String? {
        if Self.fileCalls.contains(call) { return nil }
        return switch code {
        case EADDRINUSE: "another program uses this port: stop it, or choose another port or range"
        case EADDRNOTAVAIL: "this machine has no such address: check the listen address"
        case EACCES, EPERM: "not permitted: ports below 1024 need a capability, and a firewall can refuse sending"
        case ECONNREFUSED: "nothing listens there: check the port and that the other side has started"
        case ENETUNREACH, EHOSTUNREACH: "no route: check the address and this machine's network"
        case ETIMEDOUT: "no answer in time: a firewall may drop the packets; check that the port is open"
        case EMFILE, ENFILE: "too many open files: raise the limit (ulimit -n, LimitNOFILE=)"
        case EMSGSIZE: "the datagram is larger than the path allows: use a smaller payload"
        case ENOMEM, ENOBUFS: "the kernel is out of memory for it: try again later"
        case EAFNOSUPPORT: "this address family is disabled here: use the other one"
        default: nil
        }
    }
}
