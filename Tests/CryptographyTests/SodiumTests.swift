internal import Cryptography
internal import Foundation
internal import OwnThread
internal import Testing

/// libsodium, through PyNaCl (Debian: python3-nacl), as an implementation that is not ours.
@Suite("XChaCha20-Poly1305 beside libsodium", .ownThread)
struct SodiumTests {
    /// One message; all fields are bytes.
    struct Message {
        var key, nonce, header, text: [UInt8]

        /// A line for the script: `VERB KEY NONCE HEADER TEXT` in hexadecimal, `-` for nothing.
        func line(_ verb: String) -> String {
            let fields = [key, nonce, header, text].map { $0.isEmpty ? "-" : Hexadecimal.text($0) }
            return ([verb] + fields).joined(separator: " ") + "\n"
        }
    }

    static let script = """
        import sys
        from nacl import bindings, exceptions
        for line in open(sys.argv[1]):
            verb, *fields = line.split()
            key, nonce, header, text = (b"" if field == "-" else bytes.fromhex(field) for field in fields)
            try:
                if verb == "seal":
                    done = bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(text, header, nonce, key)
                else:
                    done = bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(text, header, nonce, key)
                print("=" + done.hex())
            except exceptions.CryptoError:
                print("refused")
        """

    /// What libsodium makes of each line: the bytes, nil where it refuses.
    static func ask(_ lines: String) throws -> [[UInt8]?] {
        let folder = FileManager.default.temporaryDirectory.appending(path: "sodium-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        let input = folder.appending(path: "messages")
        try Data(lines.utf8).write(to: input)
        let process = Process()
        // Debian's own, which sees Debian's packages whatever else is in PATH.
        process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
        process.arguments = ["-c", script, input.path]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "is python3-nacl installed?")
        return text.split(separator: "\n").map { $0 == "refused" ? nil : Hexadecimal.bytes(String($0.dropFirst())) }
    }

    @Test
    func `400 random messages are sealed the same, each opens what the other sealed, and both refuse the same damage`()
        throws
    {
        var random = RandomBytes(seed: 0x6f75_7470_6f73_7421)
        let messages = (0..<400).map { number in
            Message(
                key: random.bytes(32),
                nonce: random.bytes(24),
                header: random.bytes(Int.random(in: 0...40, using: &random)),
                // Short ones, around the block of 64 bytes, and longer ones.
                text: random.bytes(number < 140 ? number : Int.random(in: 140...3000, using: &random))
            )
        }
        var lines = ""
        var ours: [[UInt8]] = []
        for message in messages {
            let sealed = XChaCha20Poly1305.sealed(
                message.text,
                key: message.key,
                nonce: message.nonce,
                header: message.header
            )
            ours.append(sealed)
            var asSealed = message
            asSealed.text = sealed
            var damaged = asSealed
            damaged.text[Int.random(in: sealed.indices, using: &random)] ^= 0x10
            lines += message.line("seal") + asSealed.line("open") + damaged.line("open")
        }
        let theirs = try Self.ask(lines)
        try #require(theirs.count == 3 * messages.count)
        let contexts = CipherContexts()
        for (number, message) in messages.enumerated() {
            let sealed = try #require(theirs[3 * number])
            #expect(sealed == ours[number])
            #expect(theirs[3 * number + 1] == message.text)
            #expect(theirs[3 * number + 2] == nil)
            // As records, whose nonce is the same bytes.
            var cipher = RecordCipher(
                .xChaCha20Poly1305,
                key: message.key,
                noncePrefix: message.nonce.prefix(16),
                contexts: contexts
            )
            let counter = message.nonce.suffix(8).reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
            let opened = cipher.opened(sealed, counter: counter, header: message.header)
            #expect(opened == message.text)
        }
    }
}
