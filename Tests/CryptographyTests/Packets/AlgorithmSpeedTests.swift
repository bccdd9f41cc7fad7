internal import Foundation
internal import OwnThread
internal import Testing

@testable import Cryptography

@Suite("Speed of algorithms", .ownThread)
struct AlgorithmSpeedTests {
    @Test func `AES is fast where libcrypto has instructions for it and for products of polynomials`() {
        let cases = [
            ("OPENSSL_ia32cap=0xfef8320b078bffff:0x400684219c07a9", true),
            ("OPENSSL_ia32cap=0x200000200000000:0x0", true),
            ("OPENSSL_ia32cap=0x200000000000000:0x0", false),
            ("OPENSSL_ia32cap=0x200000000:0x0", false),
            ("OPENSSL_ia32cap=0x0:0xffffffffffffffff", false),
            ("OPENSSL_ia32cap=0x200000200000000:0x0 env:~0x1", true),
            ("OPENSSL_armcap=0xbd", true),
            ("OPENSSL_armcap=0x25", true),
            ("OPENSSL_armcap=0x5", false),
            ("OPENSSL_armcap=0x21", false),
            ("OPENSSL_s390xcap=stfle:0xffffffffffffffff", false),
            ("OPENSSL_ia32cap=", false),
            ("N/A", false),
            ("", false),
        ]
        for (settings, expected) in cases {
            #expect(RecordCipher.Algorithm.hasFastAES(settings: settings) == expected, "\(settings)")
        }
    }

    @Test func `AES is fast where the kernel names the same instructions, and ChaCha20 everywhere`() throws {
        let text = try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("flags") || $0.hasPrefix("Features") })
        let flags = Set(line.split(separator: " "))
        let expected = flags.contains("aes") && (flags.contains("pclmulqdq") || flags.contains("pmull"))
        #expect(RecordCipher.Algorithm.aes256GCM.isFast == expected)
        #expect(RecordCipher.Algorithm.xChaCha20Poly1305.isFast)
    }
}
