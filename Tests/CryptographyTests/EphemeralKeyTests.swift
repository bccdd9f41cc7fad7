internal import OwnThread
internal import Testing

@testable import Cryptography

@Suite("Ephemeral keys", .ownThread)
struct EphemeralKeyTests {
    /// Counts what it gives.
    private struct CountingGenerator: RandomNumberGenerator {
        private(set) var words = 0
        private var random: RandomBytes

        init(seed: UInt64) { random = RandomBytes(seed: seed) }

        mutating func next() -> UInt64 {
            words += 1
            return random.next()
        }
    }

    #if DEBUG
        /// C without optimization takes five times as long.
        private static let count = 4_000
    #else
        private static let count = 20_000
    #endif
    /// Words that one attempt takes: four for the secret, one for branch and padding.
    private static let wordsPerAttempt = 5

    @Test func `representatives look random: bits, branch, subgroup`() {
        var generator = CountingGenerator(seed: 10)
        var statistics = RepresentativeStatistics()
        for _ in 0..<Self.count { statistics.add(EphemeralKey(.representative, using: &generator).written) }
        #expect(statistics.count == Self.count)
        #expect(statistics.flaws == [])
        // Half of all public keys have a representative, so a key takes two attempts, with a variance of two.
        let deviation = (2 * Double(Self.count)).squareRoot()
        let attempts = generator.words / Self.wordsPerAttempt
        #expect(abs(Double(attempts - 2 * Self.count)) < 6 * deviation)
        #expect(generator.words % Self.wordsPerAttempt == 0)
    }

    @Test func `random bytes pass the same statistics`() {
        var random = RandomBytes(seed: 11)
        var statistics = RepresentativeStatistics()
        for _ in 0..<Self.count / 2 { statistics.add(random.bytes(32)) }
        #expect(statistics.flaws == [])
    }

    @Test func `keys that are made wrongly in one way do not`() {
        typealias Flaw = RepresentativeStatistics.Flaw
        func flaws(clean: Bool = false, randomness mask: UInt8 = 0xff) -> Set<Flaw> {
            var random = RandomBytes(seed: 12)
            var statistics = RepresentativeStatistics()
            while statistics.count < 400 {
                let secret = Secret(random.bytes(32))
                let publicKey = clean ? X25519.publicKey(of: secret) : X25519.dirtyPublicKey(of: secret)
                let randomness = UInt8(truncatingIfNeeded: random.next()) & mask
                guard let written = Elligator2.encode(publicKey, randomness: randomness) else { continue }
                statistics.add(written)
            }
            return statistics.flaws
        }
        #expect(flaws() == [])
        #expect(flaws(clean: true) == [.subgroup])
        #expect(flaws(randomness: 0xfe) == [.branch])
        #expect(flaws(randomness: 0x7f) == [.padding, .bit])
        #expect(flaws(randomness: 0xbf) == [.padding, .bit])
    }

    @Test func `keys do not favor those whose neighbors have no representative`() {
        /// How many of the eight points that differ by a point of low order have a representative.
        func neighbors(_ secret: Secret) -> Int {
            (UInt8(0)..<8).count { bits in
                let bytes = Array(secret)
                let neighbor = Secret([bytes[0] & 0xf8 | bits] + bytes.dropFirst())
                return Elligator2.encode(X25519.dirtyPublicKey(of: neighbor), randomness: 0) != nil
            }
        }
        var generator = RandomBytes(seed: 13)
        let sum = (0..<1000).reduce(0) { sum, _ in
            sum + neighbors(EphemeralKey(.representative, using: &generator).secret)
        }
        // The key itself and half of seven: 4500, standard deviation 42. Trying other points of low order with the same
        // secret would give 4016.
        #expect((4290...4710).contains(sum))
    }

    @Test func `a key is written as its encoding says, and decodes to its public key`() {
        var generator = RandomBytes(seed: 14)
        for _ in 0..<20 {
            let hidden = EphemeralKey(.representative, using: &generator)
            #expect(Elligator2.decode(hidden.written) == hidden.publicKey)
            #expect(hidden.encoding.decode(hidden.written) == hidden.publicKey)
            let plain = EphemeralKey(.plain, using: &generator)
            #expect(plain.written == plain.publicKey && plain.encoding.decode(plain.written) == plain.publicKey)
            #expect(plain.publicKey == ReferenceX25519.publicKey(of: Array(plain.secret)))
        }
    }

    @Test func `two ephemeral keys share what libcrypto's X25519 makes of their public keys`() {
        var generator = RandomBytes(seed: 15)
        for _ in 0..<20 {
            let one = EphemeralKey(.representative, using: &generator)
            let other = EphemeralKey(.representative, using: &generator)
            let shared = one.sharedSecret(with: Elligator2.decode(other.written))
            let sameShared = other.sharedSecret(with: Elligator2.decode(one.written))
            #expect(shared != nil && sameShared == shared)
            let clean = ReferenceX25519.publicKey(of: Array(other.secret))
            #expect(ReferenceX25519.sharedSecret(Array(one.secret), with: clean) == shared.map { Array($0) })
        }
    }

    @Test func `without a generator, keys come from the kernel and differ`() {
        let written = (0..<4).flatMap { _ in [EphemeralKey(.representative).written, EphemeralKey(.plain).written] }
        #expect(Set(written).count == 8)
    }
}
