internal import Cryptography

// Any bytes are valid `UInt8`s and vice versa, so accessing arrays of them as raw memory is safe.

extension RecordCipher {
    /// Seals an array whose last `tagLength` bytes are room for the tag.
    mutating func seal(_ bytes: inout [UInt8], counter: UInt64, authenticating header: [UInt8]) {
        var span = bytes.mutableSpan
        var raw = unsafe span.mutableBytes
        seal(&raw, counter: counter, authenticating: unsafe header.span.bytes)
    }

    /// Opens a record that may be split.
    mutating func open(
        _ payload: inout SplitPayload,
        counter: UInt64,
        authenticating header: borrowing InlineArray<10, UInt8>
    ) -> Bool {
        let header = unsafe header.span.bytes
        return payload.withPieces { head, rest in open(&head, &rest, counter: counter, authenticating: header) }
    }

    mutating func open(_ bytes: inout [UInt8], counter: UInt64, authenticating header: [UInt8]) -> Bool {
        var span = bytes.mutableSpan
        var raw = unsafe span.mutableBytes
        return open(&raw, counter: counter, authenticating: unsafe header.span.bytes)
    }
}
