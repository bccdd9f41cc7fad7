internal import COpenSSL

/// libcrypto contexts for the records of one owner: an event loop, a session, a test.
///
/// A context takes a kilobyte and 0.2 µs to create, so a few serve any number of ciphers. A cipher is bound to the
/// contexts that it was created with. It uses one of them, which keeps its key for the next record. If all are taken, a
/// cipher takes over the context of another one, and pays for setting its key again. When a cipher is destroyed, the
/// context that holds its key is freed, and libcrypto overwrites its contents.
///
/// Neither this class nor the ciphers are `Sendable`: the owner uses them all on one thread at a time. So a record
/// takes no lock and no atomic operation.
@safe package final class CipherContexts {
    /// Contexts that most owners need: enough for the active connections of an event loop, in 18 kB.
    package static let usualCapacity = 16

    @safe private struct Slot {
        var context: OpaquePointer?
        /// The number of the key in the context; 0 if there is no context.
        var key: UInt64 = 0
        /// Whether it was used since the last search for one to take over.
        var wasUsed = false
        var algorithm = RecordCipher.Algorithm.xChaCha20Poly1305
    }

    /// Plain memory, so that a record needs no exclusivity check. Freed with the object.
    private let slots: UnsafeMutableBufferPointer<Slot>
    /// Where the next search starts.
    private var hand = 0
    private var lastNumber: UInt64 = 0

    /// - Parameter capacity: the maximum number of contexts; at least 1.
    package init(capacity: Int = CipherContexts.usualCapacity) {
        precondition(capacity > 0, "a cipher needs a context")
        unsafe slots = UnsafeMutableBufferPointer<Slot>.allocate(capacity: capacity)
        unsafe slots.initialize(repeating: Slot())
    }

    deinit {
        // Each cipher refers to this object and frees its context, so none is left.
        unsafe slots.deallocate()
    }

    /// The current number of contexts.
    package var count: Int { unsafe slots.count { unsafe $0.context != nil } }

    /// The number for a new key.
    func nextNumber() -> UInt64 {
        lastNumber += 1
        return lastNumber
    }

    /// Whether a context holds the key with this number.
    func holds(_ number: UInt64) -> Bool { unsafe slots.contains { $0.key == number } }

    /// The context in this slot, if it holds the key with this number.
    @inline(__always)
    func context(in slot: Int, holding number: UInt64) -> OpaquePointer? {
        // A slot number comes from `prepare`, which returns none out of range.
        guard unsafe slots[slot].key == number else { return nil }
        unsafe slots[slot].wasUsed = true
        return unsafe slots[slot].context
    }

    /// Sets a 32-byte key on a context and returns its slot.
    @inline(never)
    func prepare(_ algorithm: RecordCipher.Algorithm, key: UnsafeMutableRawPointer, number: UInt64) -> Int {
        let slot = nextSlot()
        let existing = unsafe slots[slot].context
        let context = unsafe existing ?? Libcrypto.makeContext()
        let isNew = unsafe existing == nil || slots[slot].algorithm != algorithm
        // With a cipher, the context is reset first; without one, it keeps its own.
        let cipher = unsafe isNew ? Libcrypto.cipher(of: algorithm) : nil
        let bytes = unsafe key.assumingMemoryBound(to: UInt8.self)
        // The key is copied by the call.
        Libcrypto.require(unsafe EVP_CipherInit_ex(context, cipher, nil, bytes, nil, 1), "takes a key of 32 bytes")
        unsafe slots[slot] = Slot(context: context, key: number, wasUsed: true, algorithm: algorithm)
        return slot
    }

    /// Frees the context that holds this key, which libcrypto overwrites.
    func forget(_ number: UInt64, in slot: Int) {
        guard unsafe slots[slot].key == number else { return }
        unsafe EVP_CIPHER_CTX_free(slots[slot].context)
        unsafe slots[slot] = Slot()
    }

    /// A slot without a context; otherwise the next one that was not used since the last search passed it ("second
    /// chance").
    private func nextSlot() -> Int {
        if let free = unsafe slots.firstIndex(where: { unsafe $0.context == nil }) { return free }
        while true {
            let slot = hand
            hand = unsafe slot + 1 == slots.count ? 0 : slot + 1
            if unsafe !slots[slot].wasUsed { return slot }
            unsafe slots[slot].wasUsed = false
        }
    }
}
