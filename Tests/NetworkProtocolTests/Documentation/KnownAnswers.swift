internal import Foundation
internal import Testing

@testable import NetworkProtocol

/// The values under "Known answers" in `Docs/NETWORK-PROTOCOL.md`: `NAME  HEXADECIMAL` on a line; a line without a name
/// continues the one before.
struct KnownAnswers {
    struct Absent: Error { let name: String }

    static let document = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Docs/NETWORK-PROTOCOL.md")

    private(set) var values: [String: [UInt8]] = [:]

    init() throws {
        let text = try String(contentsOf: KnownAnswers.document, encoding: .utf8)
        let section = try #require(text.components(separatedBy: "\n## Known answers\n").dropFirst().first)
        let blocks = section.components(separatedBy: "\n## ")[0].components(separatedBy: "```")
        for (index, block) in blocks.enumerated() where index % 2 == 1 {
            var name = ""
            for line in block.split(separator: "\n") {
                let words = line.components(separatedBy: "  ").map { $0.trimmingCharacters(in: .whitespaces) }
                if let first = words.first, !first.isEmpty { name = first }
                values[name, default: []] += try #require(Hexadecimal.bytes(words.last ?? ""))
            }
        }
    }

    func callAsFunction(_ name: String) throws -> [UInt8] {
        guard let value = values[name] else { throw Absent(name: name) }
        return value
    }

    func number(_ name: String) throws -> UInt64 { try self(name).reduce(0) { $0 << 8 | UInt64($1) } }
}

/// Returns the given bytes, in order, when the library needs random ones.
struct GivenBytes: RandomNumberGenerator {
    private var bytes: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { self.bytes = bytes[...] }

    /// Whether all were used.
    var isEmpty: Bool { bytes.isEmpty }

    mutating func next() -> UInt64 { bytes.popFirst().map(UInt64.init) ?? 0 }
}
