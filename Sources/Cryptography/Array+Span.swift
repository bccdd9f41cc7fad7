extension [UInt8] {
    /// A copy.
    init(copying span: Span<UInt8>) {
        // The pointer does not leave the call.
        self = unsafe span.withUnsafeBufferPointer { unsafe Array($0) }
    }
}
