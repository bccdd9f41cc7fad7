internal import CLinux
internal import Glibc

/// The signals that end a program that a user started.
package enum TerminationSignals {
    /// SIGHUP, which a closing terminal sends, is one of them unless the program was started to ignore it (nohup).
    package static let all: [Int32] =
        outpost_hangup_was_ignored() != 0 ? [SIGINT, SIGTERM] : [SIGINT, SIGTERM, SIGHUP]
}
