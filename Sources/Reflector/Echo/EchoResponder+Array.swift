/// The responder for arrays, for callers without spans.
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
