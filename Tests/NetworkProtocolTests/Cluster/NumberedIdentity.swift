internal import Identity
internal import NetworkProtocol

/// Identities with numbers for tests, 1…255.
enum NumberedIdentity {
    static func key(_ number: UInt8) -> IdentityKey {
        guard let key = IdentityKey(seed: [UInt8](repeating: number, count: 32)) else {
            preconditionFailure("32 bytes")
        }
        return key
    }

    static func id(_ number: UInt8) -> EndpointID { key(number).endpointID }

    static func memberID(_ number: UInt8) -> MemberID {
        guard let id = MemberID(id(number)) else { preconditionFailure("no key is all zero") }
        return id
    }

    private static let numbers = Dictionary(uniqueKeysWithValues: (1...UInt8.max).map { (id($0), $0) })

    /// 0 for any other identity.
    static func number(of id: EndpointID) -> UInt8 { numbers[id, default: 0] }
}

extension ClusterMember {
    var number: UInt8 { NumberedIdentity.number(of: endpointID) }
}
