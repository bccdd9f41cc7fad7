internal import CLinux
internal import Glibc

/// The signals by which a program that a person started is ended.
package enum TerminationSignals {
    /// SIGHUP, which a terminal sends that is closed, is one of them unless the program was started to ignore it (nohup).
    package static let all: [Int32] =
        outpost_ignores_signal(SIGHUP) != 0 ? [SIGINT, SIGTERM] : [SIGINT, SIGTERM, SIGHUP]
}
