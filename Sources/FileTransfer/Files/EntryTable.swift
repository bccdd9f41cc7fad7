/// Values by the numbers of entries, which are their positions: a transfer has up to a million, and each is looked up
/// several times.
package struct EntryTable<Value> {
    private var values: [Value?] = []

    package init() {}

    package subscript(entry: UInt32) -> Value? {
        get { entry < values.count ? values[Int(entry)] : nil }
        set {
            while values.count <= entry { values.append(nil) }
            values[Int(entry)] = newValue
        }
    }
}

extension EntryTable: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (UInt32, Value)...) {
        for (entry, value) in elements { self[entry] = value }
    }
}

extension EntryTable: Equatable where Value: Equatable {
    package static func == (one: Self, other: Self) -> Bool {
        (0..<max(one.values.count, other.values.count)).allSatisfy { one[UInt32($0)] == other[UInt32($0)] }
    }
}

extension EntryTable: Sendable where Value: Sendable {}
