internal import Glibc

/// The system's words for an errno.
package enum SystemErrorText {
    package static func describe(_ code: Int32) -> String {
        // strerror's result is copied at once.
        unsafe String(cString: strerror(code))
    }
}
