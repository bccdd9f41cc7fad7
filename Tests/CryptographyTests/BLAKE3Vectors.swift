internal import Foundation

/// The official test vectors, in a file beside this one that `scripts/blake3-vectors` wrote.
struct BLAKE3Vector: Sendable {
    static let key = Array("whats the Elvish word for friend".utf8)

    static let all: [BLAKE3Vector] = {
        let file = URL(fileURLWithPath: #filePath).deletingPathExtension().appendingPathExtension("txt")
        guard let text = try? String(contentsOf: file, encoding: .utf8) else { fatalError("no \(file.path)") }
        return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
            let fields = line.split(separator: " ")
            guard fields.count == 4, let length = Int(fields[0]) else { fatalError("not a vector: \(line)") }
            let outputs = fields[1...].map { Hexadecimal.bytes(String($0)) }
            return BLAKE3Vector(length: length, hash: outputs[0], keyedHash: outputs[1], derivedKey: outputs[2])
        }
    }()

    let length: Int
    /// 131 bytes each.
    let hash, keyedHash, derivedKey: [UInt8]

    var input: [UInt8] { Self.pattern(length) }

    static func pattern(_ length: Int) -> [UInt8] { (0..<length).map { UInt8($0 % 251) } }
}
