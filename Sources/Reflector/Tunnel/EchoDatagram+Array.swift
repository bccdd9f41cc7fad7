internal import PacketIO

extension EchoDatagram {
    /// nil when `bytes` are no echo datagram.
    init?(reading bytes: [UInt8]) {
        // Any byte is a byte: the view as raw memory has no invalid values.
        self.init(unsafe bytes.span.bytes)
    }

    /// Writes the header over the first bytes of `bytes`, which has room for it.
    func write(over bytes: inout [UInt8]) {
        var span = bytes.mutableSpan
        // Any byte is a byte.
        var raw = unsafe span.mutableBytes
        write(into: &raw)
    }
}
