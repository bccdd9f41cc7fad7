/// Why a file cannot be read, written or verified. The text names the file and what to do.
package struct FileFault: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Code: UInt32, Sendable {
        case unreadable = 1
        case unwritable = 2
        case changed = 3
        case notVerified = 4
        case exists = 5
        case refusedName = 6
    }

    package let code: Code
    package let description: String

    package init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
