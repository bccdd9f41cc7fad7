package import Identity

extension MemberID {
    /// Nil for an Endpoint ID of zeros only, which is no key.
    package init?(_ endpointID: EndpointID) { self.init(publicKey: endpointID.publicKey) }
}

extension MemberID: LosslessStringConvertible {
    /// Reads an Endpoint ID as people write it: `PP-` and 53 symbols, with or without hyphens, in either case.
    public init?(_ description: String) {
        guard let endpointID = try? EndpointID(parsing: description) else { return nil }
        self.init(endpointID)
    }

    /// The Endpoint ID, 69 characters.
    public var description: String {
        // 32 bytes are always an Endpoint ID.
        EndpointID(publicKey: publicKey)?.description ?? ""
    }
}
