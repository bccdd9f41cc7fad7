package import Identity

extension MemberID {
    /// Nil for an Endpoint ID of zeros only, which is not a key.
    package init?(_ endpointID: EndpointID) { self.init(publicKey: endpointID.publicKey) }
}

extension EndpointID {
    package init(_ member: MemberID) {
        guard let id = EndpointID(unproven: member.publicKey) else {
            preconditionFailure("any \(MemberID.length) bytes are an Endpoint ID")
        }
        self = id
    }
}
