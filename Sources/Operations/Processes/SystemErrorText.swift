internal import CLinux

/// The system's words for an errno.
package enum SystemErrorText {
    package static func describe(_ code: Int32) -> String {
        // A static string.
        unsafe String(cString: outpost_errno_text(code))
    }
}
