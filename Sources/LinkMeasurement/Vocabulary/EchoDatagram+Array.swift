/// The codec for arrays, for callers without spans.
extension EchoDatagram {
    package init?(_ bytes: [UInt8]) {
        self.init(unsafe bytes.span.bytes)  // any bytes are bytes
    }

    /// The datagram with `payload` after its header.
    package func bytes(payload: [UInt8] = []) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Self.headerLength) + payload
        var span = bytes.mutableSpan
        var raw = unsafe span.mutableBytes  // any bytes are bytes
        self.write(into: &raw)
        return bytes
    }

    /// Fills in the server's send time; `bytes` must contain a header.
    package static func setServerSend(_ nanoseconds: Int64, in bytes: inout [UInt8]) {
        var span = bytes.mutableSpan
        var raw = unsafe span.mutableBytes  // any bytes are bytes
        self.setServerSend(nanoseconds, in: &raw)
    }

    /// Writes the header over the first bytes of `bytes`, which has room for it.
    package func write(over bytes: inout [UInt8]) {
        var span = bytes.mutableSpan
        // Any byte is a byte.
        var raw = unsafe span.mutableBytes
        write(into: &raw)
    }
}
