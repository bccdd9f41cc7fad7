/// The codec and the responder for arrays, for callers without spans.
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
}

extension EchoResponder {
    /// Like the one for a span.
    package mutating func respond(
        to bytes: inout [UInt8],
        from source: EchoSource,
        receivedAt: Int64,
        now: Int64,
        isWithinRate: () -> Bool = { true }
    ) -> Verdict {
        var span = bytes.mutableSpan
        var raw = unsafe span.mutableBytes  // any bytes are bytes
        return self.respond(to: &raw, from: source, receivedAt: receivedAt, now: now, isWithinRate: isWithinRate)
    }
}
