package import Operations

/// A reflector that this machine has paired with.
package struct KnownReflector: Sendable, Equatable, Codable {
    package var name: String
    package var address: ReflectorAddress
    package var addedAt: Timestamp

    package init(name: String, address: ReflectorAddress, addedAt: Timestamp) {
        self.name = name
        self.address = address
        self.addedAt = addedAt
    }

    enum CodingKeys: String, CodingKey {
        case name, address
        case addedAt = "added_at"
    }
}
