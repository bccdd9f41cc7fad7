package import PacketIO

extension EchoDatagram {
    /// Writes the header over the first bytes of `bytes`, which must have room for it.
    package func write(over bytes: inout [UInt8]) {
        var span = bytes.mutableSpan
        // Any byte is a valid byte.
        var raw = unsafe span.mutableBytes
        write(into: &raw)
    }
}
