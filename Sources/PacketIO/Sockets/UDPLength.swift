/// Lengths of UDP over IPv4, in bytes.
enum UDPLength {
    /// Of a datagram's IPv4 and UDP headers. Counted besides the payload of what is refused, so that empty datagrams are not free.
    static let headers = 28
    /// Of the longest payload.
    static let longestPayload = 65_507
}
