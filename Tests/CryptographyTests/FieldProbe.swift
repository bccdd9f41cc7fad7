internal import CFieldProbe

/// The field arithmetic of `CCurve25519`, and what tests compute with it.
enum FieldProbe {
    static func compute(_ operation: outpost_field_operation, _ one: [UInt8], _ other: [UInt8]) -> [UInt8] {
        var result = [UInt8](repeating: 0xee, count: 32)
        outpost_field_compute(operation, &result, one, other)
        return result
    }

    /// 1, 2, 4 or 8.
    static func lowOrderPart(_ publicKey: [UInt8]) -> Int { Int(outpost_low_order_part(publicKey)) }

    /// 1, or 0 for the representative's other branch.
    static func branch(_ representative: [UInt8]) -> Int {
        Int(outpost_elligator2_branch(representative.withLast(representative[31] & 0x3f)))
    }

    static func isOnCurve(_ publicKey: [UInt8]) -> Bool { outpost_is_on_curve(publicKey) == 1 }
}
