internal import OwnThread
internal import Testing

@testable import Cryptography

@Suite("BLAKE2s, HMAC and Noise's HKDF", .ownThread)
struct BLAKE2sTests {
    private static func digest(_ bytes: [UInt8]) -> [UInt8] {
        var hash = BLAKE2s()
        hash.update(bytes.span)
        return hash.finish()
    }

    /// 0, 1, …, 250, 0, 1, …
    private static func ramp(_ count: Int) -> [UInt8] { (0..<count).map { UInt8($0 % 251) } }

    @Test func `the digest of abc is that of RFC 7693, appendix B`() {
        #expect(
            Self.digest(Array("abc".utf8))
                == Hexadecimal.bytes("508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982")
        )
    }

    @Test func `digests of all lengths up to 300 and of a megabyte are those of Python's hashlib`() {
        #expect(
            Self.digest([]) == Hexadecimal.bytes("69217a3079908094e11121d042354a7c1f55b6482ca1a51e1b250dfd1ed0eef9")
        )
        var digests = BLAKE2s()
        for length in 0...300 { digests.update(Self.digest(Self.ramp(length)).span) }
        #expect(
            digests.finish()
                == Hexadecimal.bytes("4a9ffd64e57f449747d1e049d825f1551df6512fd109a5d2aea7a8fb99fcbf2b")
        )
        #expect(
            Self.digest(Self.ramp(1_000_000))
                == Hexadecimal.bytes("93d1132bac2d29a537a1f7fe4ea968c15705989fd840fcb10d774ee32b5d382f")
        )
    }

    @Test func `a message has one digest, in whatever pieces it comes, and the next message starts anew`() {
        let message = Self.ramp(200)
        let expected = Self.digest(message)
        var hash = BLAKE2s()
        for cut in [0, 1, 63, 64, 65, 127, 128, 199, 200] {
            hash.update(message.span.extracting(..<cut))
            hash.update(Span())
            hash.update(message.span.extracting(cut...))
            #expect(hash.finish() == expected)
        }
        #expect(hash.finish() == Self.digest([]))
    }

    @Test func `codes for keys of all lengths up to 130 are those of Python's hmac`() {
        var hash = BLAKE2s()
        var codes = BLAKE2s()
        for length in 0...130 {
            let key = (0..<length).map { UInt8(truncatingIfNeeded: 3 * $0 + length) }
            let message = Self.ramp(7 * length % 200)
            let code = HMACBLAKE2s.code(of: message.span, key: key.span, with: &hash)
            codes.update(Array(code).span)
            // In two pieces.
            let cut = message.count / 2
            let (head, tail) = (Array(message[..<cut]), Array(message[cut...]))
            let again = HMACBLAKE2s.code(of: head.span, tail.span, key: key.span, with: &hash)
            #expect(again == code)
        }
        #expect(
            codes.finish() == Hexadecimal.bytes("11bb0737df47d90ac4bef1ad95463a186448834c39065e9ec720a689ef91c999")
        )
    }

    @Test func `derived secrets are those that Python's hmac makes by Noise's section 4_3`() {
        let vectors: [(input: [UInt8], expected: [String])] = [
            (
                [],
                [
                    "7a38c34bf2b8738d7374ca77c44ecb309a11d2b2528304fa86052c365e722624",
                    "1a17621f346abdc520746a9fb64d8eb03231d674fc15687537b0780fd9c060fd",
                    "4eaf02809ac4b930ef63479de62275f1c55656e61f78a3cc653c18a2223d6c5f",
                ]
            ),
            (
                [UInt8](100..<132),
                [
                    "e3b7e038799447459d13f6cc03b71555c0b32ee93354ebe4526ec98bc53b20a4",
                    "ca06d8e46b509266c7c0594805ffb9c256348a33c642381348f047e452d239e2",
                    "5ee952936bec1473c13db1cc92b8d8ba5ad2df7c77f07478731d48aa5530a000",
                ]
            ),
        ]
        var hash = BLAKE2s()
        let chainingKey = Secret(0..<32)
        for (input, expected) in vectors {
            let two = NoiseHKDF.two(chainingKey: chainingKey, input: input.span, with: &hash)
            #expect([two.0, two.1].map(Hexadecimal.text) == Array(expected[..<2]))
            let three = NoiseHKDF.three(chainingKey: chainingKey, input: input.span, with: &hash)
            #expect([three.0, three.1, three.2].map(Hexadecimal.text) == expected)
        }
    }
}
