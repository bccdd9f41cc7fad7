internal import Synchronization

/// A number that many threads change without a lock and without allocating.
struct AtomicDouble: ~Copyable, Sendable {
    private let bits: Atomic<UInt64>

    init(_ value: Double) { bits = Atomic(value.bitPattern) }

    var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

    func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }

    func add(_ amount: Double) {
        var expected = bits.load(ordering: .relaxed)
        while true {
            let sum = (Double(bitPattern: expected) + amount).bitPattern
            let result = bits.weakCompareExchange(expected: expected, desired: sum, ordering: .relaxed)
            if result.exchanged { return }
            expected = result.original
        }
    }
}
