internal import OwnThread
internal import Testing

@testable import Cryptography

@Suite("Elligator2", .ownThread)
struct Elligator2Tests {
    private static let paddings: [UInt8] = [0x00, 0x40, 0x80, 0xc0]

    /// A point of the curve for each field element.
    private static func points(_ count: Int, seed: UInt64) -> [[UInt8]] {
        var random = RandomBytes(seed: seed)
        return (0..<count).map { _ in Elligator2.map(random.bytes(32)) }
    }

    @Test func `the map takes the field elements of RFC 9380 to its points`() {
        #expect(Elligator2Vectors.rfc9380.count == 15)
        for vector in Elligator2Vectors.rfc9380 {
            let element = Array(Hexadecimal.bytes(vector.element).reversed())
            #expect(Elligator2.map(element) == Hexadecimal.bytes(vector.point).reversed())
        }
    }

    @Test func `representatives decode to Monocypher's points, whatever their two top bits`() {
        #expect(Elligator2Vectors.monocypherDirect.count == 38)
        for vector in Elligator2Vectors.monocypherDirect {
            let representative = Hexadecimal.bytes(vector.representative)
            for padding in Self.paddings {
                let padded = representative.withLast(representative[31] & 0x3f | padding)
                #expect(Elligator2.decode(padded) == Hexadecimal.bytes(vector.point))
            }
        }
    }

    @Test func `points encode to Monocypher's representatives, and those without one are refused`() {
        #expect(Elligator2Vectors.monocypherInverse.count == 77)
        for vector in Elligator2Vectors.monocypherInverse {
            let representative = Elligator2.encode(Hexadecimal.bytes(vector.point), randomness: vector.randomness)
            #expect(representative == vector.representative.map(Hexadecimal.bytes))
        }
    }

    @Test func `the map is that of the definition for edges and random numbers, and always ends on the curve`() {
        var random = RandomBytes(seed: 5)
        for element in CurveNumbers.edges + (0..<20).map({ _ in random.bytes(32) }) {
            let r = ReferenceField(element.withLast(element[31] & 0x7f))
            let a = ReferenceField(486662)
            let denominator = ReferenceField(1) + r * r + r * r
            let w = -a * denominator.power(less: 2, dividedBy: 1)
            let square = w * (w * w + a * w + ReferenceField(1))
            let isSquare = square.power(less: 1, dividedBy: 2) != -ReferenceField(1)
            let point = Elligator2.map(element)
            #expect(point == (isSquare ? w : -w - a).bytes)
            #expect(FieldProbe.isOnCurve(point))
        }
    }

    @Test func `the map ignores bit 255 only, decoding bit 254 too`() {
        var random = RandomBytes(seed: 6)
        for _ in 0..<50 {
            let element = random.bytes(32)
            let low = element.withLast(element[31] & 0x3f)
            let map = Self.paddings.map { Elligator2.map(low.withLast(low[31] | $0)) }
            #expect(map[0] == map[2] && map[1] == map[3] && map[0] != map[1])
            #expect(Elligator2.decode(element) == map[0])
        }
    }

    @Test func `both representatives of a point decode to it, and are at most (p − 1) / 2`() {
        var representable = 0
        for point in Self.points(500, seed: 7) {
            let both = [0, 1].map { Elligator2.encode(point, randomness: $0) }
            #expect((both[0] == nil) == (both[1] == nil))
            guard let first = both[0], let second = both[1] else { continue }
            representable += 1
            #expect(first != second)
            #expect(FieldProbe.branch(first) == 0 && FieldProbe.branch(second) == 1)
            for representative in [first, second] {
                #expect(Elligator2.map(representative) == point)
                #expect(Elligator2.decode(representative) == point)
                // (p − 1) / 2 = 2²⁵⁴ − 10.
                #expect(representative[31] < 0x40)
            }
        }
        // A point that the map gave always has a representative.
        #expect(representable == 500)
    }

    @Test func `of a number and its negative, the map makes one point and the inverse gives the smaller one`() {
        var random = RandomBytes(seed: 8)
        for _ in 0..<100 {
            let r = ReferenceField(random.bytes(32))
            let point = Elligator2.map(r.bytes)
            #expect(Elligator2.map((-r).bytes) == point)
            let given = [0, 1].compactMap { Elligator2.encode(point, randomness: $0) }
            let smaller = [r.bytes, (-r).bytes].first { $0[31] < 0x40 }
            #expect(smaller != nil && given.contains { $0 == smaller })
        }
    }

    @Test func `bits 6 and 7 of the randomness become the top bits, and bits 1 to 5 nothing`() throws {
        let point = try #require(Self.points(1, seed: 9).first)
        for branch: UInt8 in [0, 1] {
            let plain = try #require(Elligator2.encode(point, randomness: branch))
            for padding in Self.paddings {
                let expected = plain.withLast(plain[31] | padding)
                #expect(Elligator2.encode(point, randomness: branch | padding) == expected)
                #expect(Elligator2.encode(point, randomness: branch | padding | 0x3e) == expected)
            }
        }
    }

    @Test func `the inverse refuses −A and points without a square, and takes u modulo p`() {
        #expect(Elligator2.encode(CurveNumbers.minusA, randomness: 0) == nil)
        #expect(Elligator2.encode(CurveNumbers.minusA, randomness: 1) == nil)
        let a = ReferenceField(486662)
        for point in CurveNumbers.edges {
            let u = ReferenceField(point.withLast(point[31] & 0x7f))
            let character = (-(u + u) * (u + a)).power(less: 1, dividedBy: 2)
            let isRepresentable = u != -a && character != -ReferenceField(1)
            for randomness: UInt8 in [0, 1, 0xc0] {
                let representative = Elligator2.encode(point, randomness: randomness)
                #expect((representative != nil) == isRepresentable)
                #expect(representative == Elligator2.encode(u.bytes, randomness: randomness))
                guard let representative, FieldProbe.isOnCurve(point) else { continue }
                #expect(Elligator2.decode(representative) == u.bytes)
            }
        }
    }

    @Test func `zero maps to the point (0, 0), which has only zero`() {
        let zero = CurveNumbers.small(0)
        #expect(Elligator2.map(zero) == zero)
        #expect(Elligator2.map(CurveNumbers.belowTop(19)) == zero)
        #expect(Elligator2.encode(zero, randomness: 0) == zero)
        #expect(Elligator2.encode(zero, randomness: 1) == zero)
        // 2²⁵⁵ − 1 is 18.
        #expect(Elligator2.map(CurveNumbers.belowTop(1)) == Elligator2.map(CurveNumbers.small(18)))
        // p − 1 is the negative of 1.
        #expect(Elligator2.map(CurveNumbers.belowTop(20)) == Elligator2.map(CurveNumbers.small(1)))
    }
}
