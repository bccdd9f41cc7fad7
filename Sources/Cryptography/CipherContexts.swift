internal import COpenSSL
internal import Synchronization

/// Contexts of libcrypto for ChaCha20-Poly1305: a few, for any number of keys.
///
/// A context holds the key that it worked with last, so that the next record under it needs no setting up; when that key goes, it is
/// overwritten here.
enum CipherContexts {
    /// One context, and whose key it holds.
    @safe struct Lent {
        let context: OpaquePointer
        /// The number of a key; 0 is none.
        let owner: UInt64
    }

    /// Contexts that are made before one is taken from another key; beyond them there are as many as are ever at work at once.
    private static let enough = 16

    @safe struct Idle: @unchecked Sendable {
        /// Those that nobody works with, the last used at the end.
        var contexts: [Lent] = []
        var made = 0
    }

    static let idle = Mutex(Idle())
    private static let lastNumber = Atomic<UInt64>(0)

    /// The number of a new key.
    static func nextNumber() -> UInt64 { lastNumber.wrappingAdd(1, ordering: .relaxed).newValue }

    /// A context that holds `key` of 32 bytes, until it is given back.
    static func lend(to owner: UInt64, _ key: UnsafeMutableRawBufferPointer) -> Lent {
        let found = idle.withLock { idle -> Lent? in
            // Whoever seals and opens in turn has one of the last two.
            if let index = idle.contexts.lastIndex(where: { $0.owner == owner }) {
                return idle.contexts.remove(at: index)
            }
            if idle.made >= enough, !idle.contexts.isEmpty { return idle.contexts.removeFirst() }
            idle.made += 1
            return nil
        }
        let context = unsafe found?.context ?? make()
        if found?.owner != owner { unsafe set(key.baseAddress, on: context) }
        return unsafe Lent(context: context, owner: owner)
    }

    static func giveBack(_ lent: Lent) { idle.withLock { $0.contexts.append(lent) } }

    /// Overwrites a key wherever it is held. Nobody works with it any more.
    static func forget(_ owner: UInt64) {
        let lent = idle.withLock { idle in
            idle.contexts.firstIndex { $0.owner == owner }.map { idle.contexts.remove(at: $0) }
        }
        guard let lent else { return }
        let zeros = InlineArray<4, UInt64>(repeating: 0)
        // The key is copied by the call.
        unsafe zeros.span.withUnsafeBytes { unsafe set($0.baseAddress, on: lent.context) }
        giveBack(unsafe Lent(context: lent.context, owner: 0))
    }

    private static func make() -> OpaquePointer {
        guard let context = unsafe EVP_CIPHER_CTX_new() else { fatalError("libcrypto has no memory for a cipher") }
        let done = unsafe EVP_CipherInit_ex(context, EVP_chacha20_poly1305(), nil, nil, nil, 1)
        ChaCha20Poly1305.require(done, "has ChaCha20-Poly1305")
        return unsafe context
    }

    private static func set(_ key: UnsafeRawPointer?, on context: OpaquePointer) {
        let bytes = unsafe key?.assumingMemoryBound(to: UInt8.self)
        let done = unsafe EVP_CipherInit_ex(context, nil, nil, bytes, nil, 1)
        ChaCha20Poly1305.require(done, "takes a key for ChaCha20-Poly1305")
    }
}
