package import Identity

/// A peer that paired through a window.
package struct PairedPeer: PairedRecord, Equatable, Codable {
    package var endpointID: EndpointID
    package var label: String?
    /// Unix milliseconds.
    package var pairedAt: Int64
    /// Address and port from which it paired.
    package var pairedFrom: String?

    package var pairedID: EndpointID { endpointID }

    package init(endpointID: EndpointID, label: String?, pairedAt: Int64, pairedFrom: String?) {
        self.endpointID = endpointID
        self.label = label
        self.pairedAt = pairedAt
        self.pairedFrom = pairedFrom
    }

    enum CodingKeys: String, CodingKey {
        case endpointID = "endpoint_id"
        case label
        case pairedAt = "paired_at_ms"
        case pairedFrom = "paired_from"
    }
}
