import CLinux
import Glibc

/// A system call that failed: which, on what, why, and what a person can do about it.
package struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The call, as its manual page names it.
    package let call: String
    package let errno: Int32
    /// The value it failed with, such as an address; empty when there is none.
    package let subject: String

    package init(call: String, errno: Int32, subject: String = "") {
        self.call = call
        self.errno = errno
        self.subject = subject
    }

    /// What failed, with which value, and what to do next.
    package var message: String {
        let text = unsafe String(cString: outpost_errno_text(self.errno))  // a static string of libc
        let place = self.subject.isEmpty ? self.call : "\(self.call) \(self.subject)"
        return self.remedy.map { "\(place): \(text); \($0)" } ?? "\(place): \(text)"
    }

    package var description: String { self.message }

    private var remedy: String? {
        switch self.errno {
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
