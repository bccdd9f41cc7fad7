internal import Identity

/// Endpoint IDs as people write them.
enum EndpointIDProperties {
    /// An ID that is read is written in the one form, which reads the same; 32 bytes are always an ID.
    static func check(_ bytes: [UInt8]) throws(PropertyBroken) {
        // What is no UTF-8 cannot become a text anywhere.
        if let text = String(validating: bytes, as: UTF8.self) {
            let id: EndpointID?
            do throws(EndpointIDError) { id = try EndpointID(parsing: text) } catch {
                try ErrorText.check(error)
                id = nil
            }
            if let id { try checkForm(id) }
        }
        if let id = EndpointID(publicKey: bytes.prefix(EndpointID.keyLength)) { try checkForm(id) }
    }

    private static func checkForm(_ id: EndpointID) throws(PropertyBroken) {
        try require(id.publicKey.count == EndpointID.keyLength, "an ID holds \(id.publicKey.count) bytes")
        try require(id.description.utf8.count == 69, "an ID is written with \(id.description.utf8.count) characters")
        try require((try? EndpointID(parsing: id.description)) == id, "an ID is not read as it was written")
        let careless = id.description.lowercased().filter { $0 != "-" }
        try require((try? EndpointID(parsing: careless)) == id, "an ID is not read without hyphens and in lower case")
    }
}
