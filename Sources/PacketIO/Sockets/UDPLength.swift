/// Lengths of UDP over IPv4, in bytes.
package enum UDPLength {
    /// A datagram's IPv4 and UDP headers. Counted beside the payload of refused datagrams, so that empty ones are not
    /// free.
    package static let headers = 28
    /// The longest payload.
    package static let longestPayload = 65_507
}
