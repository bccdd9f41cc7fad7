internal import CFieldProbe
internal import OwnThread
internal import Testing

@Suite("Numbers modulo 2²⁵⁵ − 19", .ownThread)
struct Curve25519FieldTests {
    /// Bit 255 is not the field's.
    private static func reference(_ bytes: [UInt8]) -> ReferenceField {
        ReferenceField(bytes.withLast(bytes[31] & 0x7f))
    }

    /// Each edge with another and with a random number, and random numbers.
    private static let pairs: [([UInt8], [UInt8])] = {
        var random = RandomBytes(seed: 1)
        let edges = CurveNumbers.edges
        return zip(edges, edges.shuffled(using: &random)).map { ($0, $1) }
            + edges.map { ($0, random.bytes(32)) }
            + (0..<200).map { _ in (random.bytes(32), random.bytes(32)) }
    }()

    @Test func `sums, differences and products are those of plain arithmetic`() {
        for (a, b) in Self.pairs {
            let (x, y) = (Self.reference(a), Self.reference(b))
            #expect(FieldProbe.compute(OUTPOST_FIELD_ADD, a, b) == (x + y).bytes)
            #expect(FieldProbe.compute(OUTPOST_FIELD_SUBTRACT, a, b) == (x - y).bytes)
            #expect(FieldProbe.compute(OUTPOST_FIELD_MULTIPLY, a, b) == (x * y).bytes)
            #expect(FieldProbe.compute(OUTPOST_FIELD_SQUARE, a, b) == (x * x).bytes)
            #expect(FieldProbe.compute(OUTPOST_FIELD_MULTIPLY_SMALL, a, b) == (x * ReferenceField(486662)).bytes)
            // (a + b − a)(a − b + a), in limbs that were not carried.
            #expect(FieldProbe.compute(OUTPOST_FIELD_MULTIPLY_LOOSE, a, b) == (y * (x - y + x)).bytes)
        }
    }

    @Test func `inverses, roots and characters are those of plain arithmetic`() {
        for a in CurveNumbers.edges.prefix(30) + Self.pairs.suffix(4).map(\.1) {
            let x = Self.reference(a)
            #expect(FieldProbe.compute(OUTPOST_FIELD_INVERT, a, a) == x.power(less: 2, dividedBy: 1).bytes)
            #expect(FieldProbe.compute(OUTPOST_FIELD_ROOT_POWER, a, a) == x.power(less: 5, dividedBy: 8).bytes)
            #expect(FieldProbe.compute(OUTPOST_FIELD_CHARACTER, a, a) == x.power(less: 1, dividedBy: 2).bytes)
        }
    }
}
