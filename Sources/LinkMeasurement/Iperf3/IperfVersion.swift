internal import FoundationEssentials
internal import Glibc
internal import Operations
internal import Synchronization

/// The version of an iperf3 program, which decides how its login is encrypted.
package struct IperfVersion: Sendable, Equatable {
    package let major: Int
    package let minor: Int
    /// As the program prints it, such as "3.17.1".
    package let text: String

    /// From 3.17 on the login is padded with OAEP, before with PKCS #1; neither side can read the other's.
    package var usesOAEP: Bool { (major, minor) >= (3, 17) }

    /// - Parameter text: a version alone, such as "3.17.1" or "3.21+".
    package init?(_ text: String) {
        guard text.utf8.count <= 32, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
        let parts = text.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count >= 2, let major = Int(parts[0]), let minor = Int(parts[1].prefix { $0.isNumber }) else {
            return nil
        }
        (self.major, self.minor, self.text) = (major, minor, text.printable(limit: 32))
    }

    /// The first line of `iperf3 --version`: "iperf 3.12 (cJSON 1.7.15)".
    init?(printed line: some StringProtocol) {
        let words = line.split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0] == "iperf" else { return nil }
        self.init(String(words[1]))
    }
}
