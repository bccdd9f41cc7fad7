/// A path in a set. An array of bytes is hashed a byte at a time.
struct PathKey: Hashable {
    let path: [UInt8]

    init(_ path: [UInt8]) { self.path = path }

    func hash(into hasher: inout Hasher) {
        // The bytes are read during the call.
        unsafe path.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
    }
}
